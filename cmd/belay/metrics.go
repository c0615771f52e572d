package main

import (
	"net/http"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"github.com/prometheus/client_golang/prometheus/promhttp"
)

// metrics are the program's figures. Labels are bounded: chain, provider, method, kind, outcome; never a proposal or a person.
type metrics struct {
	registry *prometheus.Registry
	rpcCalls *prometheus.HistogramVec
	acks     *prometheus.HistogramVec
	duties   *prometheus.HistogramVec
	commits  prometheus.Histogram
	states   *prometheus.CounterVec
	sent     *prometheus.CounterVec
	replaced *prometheus.CounterVec
	undone   *prometheus.CounterVec
	changed  *prometheus.CounterVec
	powers   *prometheus.GaugeVec
	balance  *prometheus.GaugeVec
	low      *prometheus.GaugeVec
}

func newMetrics() *metrics {
	m := &metrics{registry: prometheus.NewRegistry()}
	m.rpcCalls = prometheus.NewHistogramVec(prometheus.HistogramOpts{Name: "belay_rpc_seconds", Help: "Exchanges with providers.", Buckets: prometheus.DefBuckets},
		[]string{"chain", "provider", "method", "outcome"})
	m.acks = prometheus.NewHistogramVec(prometheus.HistogramOpts{Name: "belay_chat_ack_seconds", Help: "From a platform's request to our acknowledgement.", Buckets: prometheus.DefBuckets},
		[]string{"platform", "outcome"})
	m.duties = prometheus.NewHistogramVec(prometheus.HistogramOpts{Name: "belay_duty_seconds", Help: "Work from the outbox.", Buckets: prometheus.DefBuckets}, []string{"kind"})
	m.commits = prometheus.NewHistogram(prometheus.HistogramOpts{Name: "belay_store_commit_seconds", Help: "Durable commits.", Buckets: prometheus.ExponentialBuckets(0.0001, 2, 14)})
	m.states = prometheus.NewCounterVec(prometheus.CounterOpts{Name: "belay_state_changes_total", Help: "Proposals that came into a state."}, []string{"state", "kind"})
	m.sent = prometheus.NewCounterVec(prometheus.CounterOpts{Name: "belay_broadcasts_total", Help: "Broadcasts that a provider accepted."}, []string{"role"})
	m.replaced = prometheus.NewCounterVec(prometheus.CounterOpts{Name: "belay_replacements_total", Help: "Transactions signed again with higher fees."}, []string{"role"})
	m.undone = prometheus.NewCounterVec(prometheus.CounterOpts{Name: "belay_undone_total", Help: "Executed proposals whose postconditions became false later."}, []string{"kind"})
	m.changed = prometheus.NewCounterVec(prometheus.CounterOpts{Name: "belay_safe_changes_total", Help: "Changes of a Safe's modules, guards or fallback handler."}, []string{"safe"})
	m.powers = prometheus.NewGaugeVec(prometheus.GaugeOpts{Name: "belay_relayer_powers", Help: "Powers that the relayers were found to have; must be 0."}, []string{"chain"})
	m.balance = prometheus.NewGaugeVec(prometheus.GaugeOpts{Name: "belay_relayer_balance_ether", Help: "Gas money of a relayer."}, []string{"chain", "relayer"})
	m.low = prometheus.NewGaugeVec(prometheus.GaugeOpts{Name: "belay_relayer_low", Help: "1 where a relayer holds less than two emergency executions at the cap."}, []string{"chain", "relayer"})
	info := buildInfo()
	build := prometheus.NewGaugeFunc(prometheus.GaugeOpts{Name: "belay_build_info", Help: "Which program this is.",
		ConstLabels: prometheus.Labels{"version": info.Version, "commit": info.Commit, "page": info.Page}}, func() float64 { return 1 })
	m.registry.MustRegister(m.rpcCalls, m.acks, m.duties, m.commits, m.states, m.sent, m.replaced, m.undone, m.changed, m.powers, m.balance, m.low, build,
		collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}))
	return m
}

// gauge adds a figure that is read when it is asked for.
func (m *metrics) gauge(name, help string, labels prometheus.Labels, read func() float64) {
	m.registry.MustRegister(prometheus.NewGaugeFunc(prometheus.GaugeOpts{Name: name, Help: help, ConstLabels: labels}, read))
}

func (m *metrics) rpc(chain, provider, method, outcome string, took time.Duration) {
	m.rpcCalls.WithLabelValues(chain, provider, method, outcome).Observe(took.Seconds())
}

func (m *metrics) ack(platform, outcome string, took time.Duration) {
	m.acks.WithLabelValues(platform, outcome).Observe(took.Seconds())
}

// observe takes the coordinator's figures. One that is not known here is dropped; TestEveryFigureOfTheCoordinatorIsKept holds the two
// lists together.
func (m *metrics) observe(name string, value float64, labels ...string) {
	values := make([]string, 0, len(labels)/2)
	for i := 1; i < len(labels); i += 2 {
		values = append(values, labels[i])
	}
	switch name {
	case "store_commit_seconds":
		m.commits.Observe(value)
	case "duty_seconds":
		m.duties.WithLabelValues(values...).Observe(value)
	case "state_changes_total":
		m.states.WithLabelValues(values...).Add(value)
	case "broadcasts_total":
		m.sent.WithLabelValues(values...).Add(value)
	case "replacements_total":
		m.replaced.WithLabelValues(values...).Add(value)
	case "safe_changes_total":
		m.changed.WithLabelValues(values...).Add(value)
	case "undone_total":
		m.undone.WithLabelValues(values...).Add(value)
	case "relayer_powers":
		m.powers.WithLabelValues(values...).Set(value)
	case "relayer_balance_ether":
		m.balance.WithLabelValues(values...).Set(value)
	case "relayer_low":
		m.low.WithLabelValues(values...).Set(value)
	}
}

func (m *metrics) handler() http.Handler {
	return promhttp.HandlerFor(m.registry, promhttp.HandlerOpts{})
}
