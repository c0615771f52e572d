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
	observed map[string]func(value float64, labels []string) // the coordinator's, by the name that it gives them
}

func newMetrics() *metrics {
	m := &metrics{registry: prometheus.NewRegistry(), observed: map[string]func(float64, []string){}}
	m.rpcCalls = m.seconds("rpc", "Exchanges with providers.", prometheus.DefBuckets, "chain", "provider", "method", "outcome")
	m.acks = m.seconds("chat_ack", "From a platform's request to our acknowledgement.", prometheus.DefBuckets, "platform", "outcome")

	duties := m.seconds("duty", "Work from the outbox.", prometheus.DefBuckets, "kind")
	m.observed["duty_seconds"] = func(v float64, labels []string) { duties.WithLabelValues(labels...).Observe(v) }
	commits := m.seconds("store_commit", "Durable commits.", prometheus.ExponentialBuckets(0.0001, 2, 14)).WithLabelValues()
	m.observed["store_commit_seconds"] = func(v float64, _ []string) { commits.Observe(v) }
	m.counted("state_changes_total", "Proposals that came into a state.", "state", "kind")
	m.counted("broadcasts_total", "Broadcasts that a provider accepted.", "role")
	m.counted("replacements_total", "Transactions signed again with higher fees.", "role")
	m.counted("undone_total", "Executed proposals whose postconditions became false later.", "kind")
	m.counted("safe_changes_total", "Changes of a Safe's modules, guards or fallback handler.", "safe")
	m.measured("relayer_powers", "Powers that the relayers were found to have; must be 0.", "chain")
	m.measured("relayer_balance_ether", "Gas money of a relayer.", "chain", "relayer")
	m.measured("relayer_low", "1 where a relayer holds less than two emergency executions at the cap.", "chain", "relayer")

	info := buildInfo()
	m.gauge("belay_build_info", "Which program this is.", prometheus.Labels{"version": info.Version, "commit": info.Commit, "page": info.Page}, func() float64 { return 1 })
	m.registry.MustRegister(collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}))
	return m
}

func (m *metrics) seconds(name, help string, buckets []float64, labels ...string) *prometheus.HistogramVec {
	h := prometheus.NewHistogramVec(prometheus.HistogramOpts{Name: "belay_" + name + "_seconds", Help: help, Buckets: buckets}, labels)
	m.registry.MustRegister(h)
	return h
}

// counted adds up what the coordinator observes.
func (m *metrics) counted(name, help string, labels ...string) {
	c := prometheus.NewCounterVec(prometheus.CounterOpts{Name: "belay_" + name, Help: help}, labels)
	m.registry.MustRegister(c)
	m.observed[name] = func(v float64, values []string) { c.WithLabelValues(values...).Add(v) }
}

// measured keeps what the coordinator observed last.
func (m *metrics) measured(name, help string, labels ...string) {
	g := prometheus.NewGaugeVec(prometheus.GaugeOpts{Name: "belay_" + name, Help: help}, labels)
	m.registry.MustRegister(g)
	m.observed[name] = func(v float64, values []string) { g.WithLabelValues(values...).Set(v) }
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
	if take := m.observed[name]; take != nil {
		take(value, values)
	}
}

func (m *metrics) handler() http.Handler {
	return promhttp.HandlerFor(m.registry, promhttp.HandlerOpts{})
}
