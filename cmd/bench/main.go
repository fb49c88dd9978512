// Command bench measures SDP against what people would do by hand on the same machine, in one run, and prints medians
// and ratios. It starts an installation of its own (`sdp up` with a data directory of its own), so that nothing else is
// disturbed, and removes it at the end. `make bench` runs it; it needs docker, nginx, curl and git on the machine.
//
// Only ratios mean anything across machines. Absolute figures are printed to make a strange ratio understandable.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"slices"
	"strings"
	"time"
)

// rounds is how often each figure is measured; the median counts.
const rounds = 7

// figure is one row of the table.
type figure struct {
	name     string
	ours     string
	theirs   string
	ratio    float64 // 0 = there is nothing to compare with
	bar      string
	met      bool
	comments []string
}

// measurement makes the figures of one subject.
type measurement struct {
	name string
	run  func(context.Context, *stack) ([]figure, error)
}

var measurements = []measurement{
	{"cold", coldDeploys}, {"warm", warmDeploys}, {"parallel", parallelDeploys}, {"switch", switchUnderLoad},
	{"router", routerThroughput}, {"scale", routerScale}, {"logs", logLatency}, {"clone", clones}, {"plan", plans}, {"apply", applies},
	{"tracking", looks}, {"many", manySandboxes}, {"browser", browserFigures},
}

func main() {
	only := flag.String("only", "", "comma-separated measurements: cold,warm,parallel,switch,router,scale,logs,clone,plan,apply,tracking,many,browser")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	if err := run(ctx, *only); err != nil {
		fmt.Fprintln(os.Stderr, "bench:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, only string) (err error) {
	s, err := startStack(ctx)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, s.close()) }()
	var figures []figure
	for _, m := range measurements {
		if only != "" && !slices.Contains(strings.Split(only, ","), m.name) {
			continue
		}
		began := time.Now()
		fmt.Fprintf(os.Stderr, "measuring %s ...\n", m.name)
		f, err := m.run(ctx, s)
		if err != nil {
			return fmt.Errorf("%s: %w", m.name, err)
		}
		fmt.Fprintf(os.Stderr, "measured %s in %s\n", m.name, time.Since(began).Round(time.Second))
		figures = append(figures, f...)
	}
	printTable(figures)
	return nil
}

func printTable(figures []figure) {
	fmt.Printf("\n%-52s %-26s %-26s %7s  %-14s\n", "figure", "SDP", "by hand", "ratio", "bar")
	for _, f := range figures {
		ratio, verdict := "", "missed"
		if f.ratio > 0 {
			ratio = fmt.Sprintf("%.2f", f.ratio)
		}
		if f.met {
			verdict = "met"
		}
		fmt.Printf("%-52s %-26s %-26s %7s  %-14s %s\n", f.name, f.ours, f.theirs, ratio, f.bar, verdict)
		for _, c := range f.comments {
			fmt.Printf("    %s\n", c)
		}
	}
}

// median returns the middle of what was measured.
func median(d []time.Duration) time.Duration { return percentile(d, 50) }

// percentile returns the smallest value that at least p percent of d do not exceed.
func percentile(d []time.Duration, p int) time.Duration {
	if len(d) == 0 {
		return 0
	}
	sorted := slices.Sorted(slices.Values(d))
	return sorted[min(len(sorted)-1, (len(sorted)*p+99)/100-1)]
}

func show(d time.Duration) string { return d.Round(time.Millisecond).String() }

// compare makes a figure of two series of durations: ours may take at most bar times theirs.
func compare(name string, ours, theirs []time.Duration, bar float64) figure {
	ratio := float64(median(ours)) / float64(median(theirs))
	return figure{name: name, ours: spread(ours), theirs: spread(theirs), ratio: ratio,
		bar: fmt.Sprintf("<= %.2f", bar), met: ratio <= bar}
}

// spread shows a series as its median and its range.
func spread(d []time.Duration) string {
	return fmt.Sprintf("%s (%s-%s)", show(median(d)), show(percentile(d, 1)), show(percentile(d, 100)))
}
