package router

import (
	"os"
	"runtime/debug"
	"runtime/metrics"
)

// A router keeps a few MB and allocates some 100 MB/s under full load. To collect less often than Go does by default saves
// about a tenth of the CPU time (measured), and costs memory in proportion to what is kept: less often while that is little.
const (
	mostGC  = 400      // percent
	leastGC = 50       // percent
	garbage = 32 << 20 // bytes
)

// tuneGC tells the collector of the process, which is a router's own, how often to run.
func tuneGC() {
	if os.Getenv("GOGC") != "" {
		return
	}
	live := []metrics.Sample{{Name: "/gc/heap/live:bytes"}}
	metrics.Read(live)
	percent := mostGC
	if bytes := live[0].Value.Uint64(); bytes > 0 {
		percent = int(min(mostGC, max(leastGC, garbage*100/bytes)))
	}
	debug.SetGCPercent(percent)
}
