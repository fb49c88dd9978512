package observe

import (
	"errors"
	"time"

	"github.com/spf13/pflag"
)

// when is a flag for a time: a day, a time of day, or how long ago.
type when struct{ time.Time }

func (w *when) String() string {
	if w.IsZero() {
		return ""
	}
	return w.Format(time.RFC3339)
}

func (w *when) Type() string { return "time" }

func (w *when) Set(text string) (err error) {
	if ago, err := time.ParseDuration(text); err == nil && ago >= 0 {
		w.Time = time.Now().Add(-ago)
		return nil
	}
	for _, layout := range []string{time.RFC3339, "2006-01-02T15:04", "2006-01-02 15:04", "2006-01-02"} {
		if w.Time, err = time.ParseInLocation(layout, text, time.Local); err == nil {
			return nil
		}
	}
	return errors.New(`write 2026-11-22, "2026-11-22 15:04", 2026-11-22T15:04:05Z or how long ago, such as 24h`)
}

// between adds the flags --since and --until.
func between(flags *pflag.FlagSet) (since, until *when) {
	since, until = new(when), new(when)
	flags.Var(since, "since", "only from then on: a day, a time, or how long ago, such as 24h")
	flags.Var(until, "until", "only before then")
	return since, until
}
