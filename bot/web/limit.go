package web

import (
	"maps"
	"net"
	"net/http"
	"net/netip"
	"strings"
	"sync"
	"time"

	"belay/governance"
)

// Limits of one address. A war room may sit behind one of them, and each signer's page asks about six times to load.
const (
	requestsPerSecond = 20.0
	requestsAtOnce    = 200.0
	maxAddresses      = 10_000 // addresses remembered
	retryAfterSeconds = 2

	badPerSecond = 0.2  // signatures that were refused
	badAtOnce    = 20.0 // before their sender waits in line

	ipv6Site = 64 // bits of an IPv6 address that one subscriber holds
)

// limiter is a token bucket for each address. mu guards what stands below it.
type limiter struct {
	perSecond, atOnce float64

	mu      sync.Mutex
	buckets map[netip.Addr]bucket
	swept   time.Time // when full buckets were last forgotten
}

type bucket struct {
	tokens float64
	at     time.Time
}

func newLimiter(perSecond, atOnce float64) *limiter {
	return &limiter{perSecond: perSecond, atOnce: atOnce, buckets: map[netip.Addr]bucket{}}
}

// take takes one token from the address' bucket and reports whether there was one.
func (l *limiter) take(addr netip.Addr, now time.Time) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	b := l.refilled(addr, now)
	ok := b.tokens >= 1
	if ok {
		b.tokens--
	}
	l.makeRoom(now)
	l.buckets[addr] = b
	return ok
}

// spent reports whether the address' bucket is empty.
func (l *limiter) spent(addr netip.Addr, now time.Time) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.refilled(addr, now).tokens < 1
}

func (l *limiter) refilled(addr netip.Addr, now time.Time) bucket {
	b, known := l.buckets[addr]
	if !known {
		return bucket{tokens: l.atOnce, at: now}
	}
	b.tokens = min(l.atOnce, b.tokens+now.Sub(b.at).Seconds()*l.perSecond)
	b.at = now
	return b
}

// makeRoom keeps the memory bounded: it forgets whoever has a full bucket again, at most once a second, and if that is not
// enough, anyone.
func (l *limiter) makeRoom(now time.Time) {
	if len(l.buckets) < maxAddresses {
		return
	}
	if now.Sub(l.swept) >= time.Second {
		l.swept = now
		maps.DeleteFunc(l.buckets, func(addr netip.Addr, _ bucket) bool { return l.refilled(addr, now).tokens >= l.atOnce })
	}
	for addr := range l.buckets {
		if len(l.buckets) < maxAddresses {
			return
		}
		delete(l.buckets, addr)
	}
}

// limit refuses whoever asks too often. The operator's token is never limited: tools that act in an emergency use it.
func (s *Server) limit(r *http.Request) error {
	if s.requests.take(s.client(r), time.Now()) {
		return nil
	}
	if isOperator, _ := s.operator(r); isOperator {
		return nil
	}
	return tooMany()
}

func tooMany() *governance.Refusal {
	return governance.Refuse(codeTooMany, "Wait a few seconds. Valid signatures are always taken.", "Your address asks too often.")
}

// client is the address that a request comes from: the peer's, or behind trusted proxies the nearest one that is not ours.
// An IPv6 subscriber counts as one.
func (s *Server) client(r *http.Request) netip.Addr {
	addr := peer(r)
	hops := strings.Split(strings.Join(r.Header.Values("X-Forwarded-For"), ","), ",")
	for i := len(hops) - 1; i >= 0 && s.trusts(addr); i-- {
		next, err := netip.ParseAddr(strings.TrimSpace(hops[i]))
		if err != nil {
			break
		}
		addr = next.Unmap()
	}
	if addr.Is6() {
		if site, err := addr.WithZone("").Prefix(ipv6Site); err == nil {
			return site.Addr()
		}
	}
	return addr
}

func (s *Server) trusts(addr netip.Addr) bool {
	for _, p := range s.cfg.TrustedProxies {
		if p.Contains(addr) {
			return true
		}
	}
	return false
}

func peer(r *http.Request) netip.Addr {
	host, _, err := net.SplitHostPort(r.RemoteAddr)
	if err != nil {
		host = r.RemoteAddr
	}
	addr, err := netip.ParseAddr(host)
	if err != nil {
		return netip.Addr{}
	}
	return addr.Unmap()
}
