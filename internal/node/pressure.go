package node

import (
	"fmt"
	"math"
	"os"
	"path/filepath"
	"strconv"
	"strings"
)

// Pressure is how much of it a machine may be under when one more build begins. Zero members are not looked at.
type Pressure struct {
	CPU    float64 // percent of the last 10 s in which processes waited for a processor
	Memory float64 // percent of the last 10 s in which processes waited for memory
	Free   int64   // bytes of memory that must be available
}

// over says which limit the machine is over, "" = none. proc is where the kernel says so: /proc. One without PSI
// (Documentation/accounting/psi.rst) says nothing of pressure, and only the available memory counts.
func (p Pressure) over(proc string) string {
	for _, c := range []struct {
		file, of string
		limit    float64
	}{{"cpu", "a processor", p.CPU}, {"memory", "memory", p.Memory}} {
		if some, known := someAvg10(filepath.Join(proc, "pressure", c.file)); known && c.limit > 0 && some > c.limit {
			return fmt.Sprintf("the machine's processes wait for %s %.0f%% of the time, more than the %g%% of builds.pressure.%s",
				c.of, math.Ceil(some), c.limit, c.file)
		}
	}
	if free, total := MemoryOf(proc); total > 0 && free < p.Free {
		return fmt.Sprintf("%d MB of memory are available, less than the %d MB of builds.pressure.free", free>>20, p.Free>>20)
	}
	return ""
}

// someAvg10 reads the line "some avg10=1.23 avg60=... total=...".
func someAvg10(file string) (percent float64, known bool) {
	raw, err := os.ReadFile(file)
	if err != nil {
		return 0, false
	}
	rest, found := strings.CutPrefix(string(raw), "some avg10=")
	if !found {
		return 0, false
	}
	number, _, _ := strings.Cut(rest, " ")
	percent, err = strconv.ParseFloat(number, 64)
	return percent, err == nil
}

// MemoryOf reads available and total memory in bytes from meminfo (proc(5)) below proc; zero where it cannot.
func MemoryOf(proc string) (free, total int64) {
	raw, err := os.ReadFile(filepath.Join(proc, "meminfo"))
	if err != nil {
		return 0, 0
	}
	for line := range strings.Lines(string(raw)) {
		fields := strings.Fields(line)
		if len(fields) < 2 {
			continue
		}
		kb, _ := strconv.ParseInt(fields[1], 10, 64)
		switch fields[0] {
		case "MemAvailable:":
			free = kb << 10
		case "MemTotal:":
			total = kb << 10
		}
	}
	return free, total
}
