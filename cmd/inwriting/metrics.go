package main

import (
	"context"
	"net/http"
	"strconv"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"github.com/prometheus/client_golang/prometheus/promhttp"

	"inwriting/search"
	"inwriting/search/trail"
)

// metrics are what /metrics tells. A mailbox is its number in "inwriting status",
// from 1: figures travel further than addresses should.
type metrics struct {
	handler http.Handler
	asked   *prometheus.HistogramVec
	bundles prometheus.Histogram
}

func newMetrics(coverage func(context.Context) (*trail.Coverage, error)) *metrics {
	m := &metrics{asked: prometheus.NewHistogramVec(prometheus.HistogramOpts{
		Name: "inwriting_question_seconds", Help: "How long answers took.",
		Buckets: []float64{.001, .0025, .005, .01, .025, .05, .1, .25, .5, 1, 2.5},
	}, []string{"question"}), bundles: prometheus.NewHistogram(prometheus.HistogramOpts{
		Name: "inwriting_bundle_seconds", Help: "How long bundles took to make.", Buckets: []float64{.1, .25, .5, 1, 2.5, 5, 10, 30, 60, 300},
	})}
	r := prometheus.NewRegistry()
	r.MustRegister(m.asked, m.bundles, collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}), &coverageCollector{coverage})
	m.handler = promhttp.HandlerFor(r, promhttp.HandlerOpts{})
	return m
}

func (m *metrics) bundled(d time.Duration) { m.bundles.Observe(d.Seconds()) }

// timed is a Searcher whose answers are timed.
type timed struct {
	search.Searcher
	m *metrics
}

func (t timed) observe(question string) func() {
	start := time.Now()
	return func() { t.m.asked.WithLabelValues(question).Observe(time.Since(start).Seconds()) }
}

func (t timed) Search(ctx context.Context, q search.Query) (*search.Results, error) {
	defer t.observe("search")()
	return t.Searcher.Search(ctx, q)
}

func (t timed) Trail(ctx context.Context, q search.TrailQuery) (*trail.Trail, error) {
	defer t.observe("trail")()
	return t.Searcher.Trail(ctx, q)
}

func (t timed) Message(ctx context.Context, id string) (*search.MessageDoc, error) {
	defer t.observe("message")()
	return t.Searcher.Message(ctx, id)
}

// coverageCollector turns the coverage into gauges when they are asked for.
type coverageCollector struct {
	coverage func(context.Context) (*trail.Coverage, error)
}

var (
	messagesDesc = prometheus.NewDesc("inwriting_messages", "Messages of a mailbox, by state: server, stored, indexed, quarantined.", []string{"mailbox", "state"}, nil)
	syncedDesc   = prometheus.NewDesc("inwriting_mailbox_synced_timestamp_seconds", "When the folder read longest ago of a mailbox was read.", []string{"mailbox"}, nil)
	currentDesc  = prometheus.NewDesc("inwriting_mailbox_up_to_date", "1 when nothing of a mailbox is missing.", []string{"mailbox"}, nil)
	waitingDesc  = prometheus.NewDesc("inwriting_unread", "Messages that are kept and wait to be read.", nil, nil)
	entriesDesc  = prometheus.NewDesc("inwriting_ledger_entries", "Entries under the last signed checkpoint.", nil, nil)
)

func (c *coverageCollector) Describe(ch chan<- *prometheus.Desc) {
	for _, d := range []*prometheus.Desc{messagesDesc, syncedDesc, currentDesc, waitingDesc, entriesDesc} {
		ch <- d
	}
}

func (c *coverageCollector) Collect(ch chan<- prometheus.Metric) {
	ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
	defer cancel()
	cov, err := c.coverage(ctx)
	if err != nil {
		ch <- prometheus.NewInvalidMetric(messagesDesc, err)
		return
	}
	gauge := func(d *prometheus.Desc, v float64, labels ...string) {
		ch <- prometheus.MustNewConstMetric(d, prometheus.GaugeValue, v, labels...)
	}
	waiting := 0
	for i, m := range cov.Mailboxes {
		label := strconv.Itoa(i + 1)
		sums := map[string]int{}
		var oldest time.Time
		for _, f := range m.Folders {
			if f.Excluded {
				continue
			}
			sums["server"] += f.Server
			sums["stored"] += f.Stored
			sums["indexed"] += f.Indexed
			sums["quarantined"] += f.Quarantined
			if f.LastSync != nil && (oldest.IsZero() || f.LastSync.Before(oldest)) {
				oldest = *f.LastSync
			}
		}
		for _, state := range []string{"server", "stored", "indexed", "quarantined"} {
			gauge(messagesDesc, float64(sums[state]), label, state)
		}
		if !oldest.IsZero() {
			gauge(syncedDesc, float64(oldest.Unix()), label)
		}
		waiting += max(0, sums["stored"]-sums["indexed"]-sums["quarantined"])
		current := 0.0
		if m.Complete() {
			current = 1
		}
		gauge(currentDesc, current, label)
	}
	gauge(waitingDesc, float64(waiting))
	if cov.Checkpoint != nil {
		gauge(entriesDesc, float64(cov.Checkpoint.Size))
	}
}
