package main

import (
	"encoding/json"
	"net/http"
	"net/http/pprof"
	"runtime"

	"homing/metrics"
)

// stats are what a process of Go tells of itself. Mallocs only ever grows; Heap and
// Goroutines are of now, Heap after a collection if one was asked for.
type stats struct {
	Mallocs    uint64 `json:"mallocs"`
	Allocated  uint64 `json:"allocated"`
	Heap       uint64 `json:"heap"`
	Goroutines int    `json:"goroutines"`
}

// sideDoor answers /stats, and /stats?gc after a collection; /metrics; and profiles.
func sideDoor(m *metrics.Metrics) http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /stats", func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Query().Has("gc") {
			runtime.GC()
		}
		var mem runtime.MemStats
		runtime.ReadMemStats(&mem)
		_ = json.NewEncoder(w).Encode(stats{mem.Mallocs, mem.TotalAlloc, mem.HeapAlloc, runtime.NumGoroutine()})
	})
	mux.Handle("GET /metrics", m.Handler())
	mux.HandleFunc("GET /debug/pprof/", pprof.Index)
	mux.HandleFunc("GET /debug/pprof/profile", pprof.Profile)
	return mux
}
