package logs_test

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"sdp/internal/logs"
	"sdp/internal/logs/mask"
	"sdp/internal/sdp"
)

func TestStreamIsAPlainPrivateFile(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "spool")
	spool := openSpool(t, dir)
	s := create(t, spool, "deploy-d-1", logs.Options{Masker: mask.New("hunter2!")})
	s.Printf("FETCH", "feature/login -> %s", "3f2a")
	fmt.Fprint(s, "compiling with hun")
	fmt.Fprint(s, "ter2!, ok\nhalf a line")
	s.Printf("BUILD", "two\nlines, hunter2!\n")
	fmt.Fprint(s, "the end")
	if got, want := s.Tail(1000), "[BUILD] lines, ***\nthe end"; !strings.HasSuffix(got, want) {
		t.Errorf("tail %q", got)
	}
	closeAll(t, s, s, spool)
	want := "[FETCH] feature/login -> 3f2a\ncompiling with ***, ok\nhalf a line\n[BUILD] two\n[BUILD] lines, ***\nthe end"
	if got := read(t, filepath.Join(dir, "deploy-d-1.log")); got != want {
		t.Errorf("%q, want %q", got, want)
	}
	if got := s.Tail(1 << 20); got != want {
		t.Errorf("tail after close %q", got)
	}
	if got := s.Tail(20); got != "the end" {
		t.Errorf("short tail %q", got)
	}
	if _, err := s.Write([]byte("x")); !errors.Is(err, os.ErrClosed) {
		t.Error(err)
	}
	for _, name := range []string{".", "deploy-d-1.log", "deploy-d-1.state"} {
		info, err := os.Stat(filepath.Join(dir, name))
		if err != nil || info.Mode().Perm()&0o077 != 0 {
			t.Error(name, info.Mode(), err)
		}
	}
}

func TestStreamIsContinued(t *testing.T) {
	dir := t.TempDir()
	spool := openSpool(t, dir)
	first, second := create(t, spool, "s", logs.Options{}), create(t, spool, "s", logs.Options{})
	fmt.Fprintln(first, "1")
	fmt.Fprintln(second, "2")
	fmt.Fprint(first, "cut off")
	if err := first.Release(); err != nil {
		t.Fatal(err)
	}
	second.Printf("X", "3")
	closeAll(t, second, spool)
	spool = openSpool(t, dir)
	third := create(t, spool, "s", logs.Options{})
	fmt.Fprintln(third, "4")
	closeAll(t, third, spool)
	if got, want := read(t, filepath.Join(dir, "s.log")), "1\n2\ncut off\n[X] 3\n4\n"; got != want {
		t.Errorf("%q, want %q", got, want)
	}
}

// The kernel may cut a write off when it kills the process. The next one does not go on in that line, and still sees that it
// is not whole.
func TestLineCutOffByAKillStandsByItself(t *testing.T) {
	for name, limit := range map[string]int64{"plain": 1 << 20, "over the limit": 10} {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			spool := openSpool(t, dir)
			s := create(t, spool, "s", logs.Options{MaxBytes: limit})
			fmt.Fprint(s, "line one\nline tw")
			if err := s.Release(); err != nil {
				t.Fatal(err)
			}
			closeAll(t, spool)
			s = create(t, openSpool(t, dir), "s", logs.Options{MaxBytes: limit})
			if got := s.Tail(100); !strings.HasSuffix(got, "line tw") {
				t.Errorf("tail %q", got)
			}
			fmt.Fprint(s, "line two\nline three\n")
			if got, want := s.Tail(100), "line tw\nline two\nline three\n"; !strings.HasSuffix(got, want) {
				t.Errorf("tail %q", got)
			}
			if got, want := s.TailOwn(100), "line two\nline three\n"; got != want {
				t.Errorf("own tail %q", got)
			}
			closeAll(t, s)
			if got, want := read(t, filepath.Join(dir, "s.log")), "line tw\nline two\nline three\n"; !strings.HasSuffix(got, want) {
				t.Errorf("%q", got)
			}
		})
	}
}

// Whoever goes on with a stream finds its place by the last lines, those kept beyond the limit included.
func TestTailReachesBackBeforeCreate(t *testing.T) {
	for name, limit := range map[string]int64{"plain": 1 << 20, "over the limit": 100} {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			spool := openSpool(t, dir)
			s := create(t, spool, "s", logs.Options{MaxBytes: limit})
			for i := range 10 {
				fmt.Fprint(s, numberedLine(i))
			}
			if err := s.Release(); err != nil {
				t.Fatal(err)
			}
			closeAll(t, spool)
			s = create(t, openSpool(t, dir), "s", logs.Options{MaxBytes: limit})
			if got, want := s.Tail(250), numberedLine(8)+numberedLine(9); got != want {
				t.Errorf("%q, want %q", got, want)
			}
			if got := s.TailOwn(250); got != "" {
				t.Errorf("own tail %q", got)
			}
			fmt.Fprint(s, "mine\nunfinished")
			if got := s.TailOwn(250); got != "mine\nunfinished" {
				t.Errorf("own tail %q", got)
			}
			closeAll(t, s)
		})
	}
}

func TestTaggedLines(t *testing.T) {
	dir := t.TempDir()
	s := create(t, openSpool(t, dir), "s", logs.Options{Masker: mask.New("hunter2!")})
	w := s.Tagged("FETCH")
	for _, piece := range []string{"Count", "ing: 1%\rCounting: 50%\rCounting", ": 100%\r\nhun", "ter2! and\n\n \nho", "st\nend"} {
		fmt.Fprint(w, piece)
	}
	fmt.Fprint(s, "other output")
	closeAll(t, w, w, s)
	want := "[FETCH] Counting: 100%\n[FETCH] *** and\n[FETCH] host\nother output\n[FETCH] end\n"
	if got := read(t, filepath.Join(dir, "s.log")); got != want {
		t.Errorf("%q, want %q", got, want)
	}
}

func TestBadStreamNamesAreRefused(t *testing.T) {
	spool := openSpool(t, t.TempDir())
	for _, name := range []string{"", ".", "..", "../x", "a/b", "a.b", "-a", "a b", "a\x00", strings.Repeat("a", 129)} {
		_, err := spool.Create(name, logs.Options{})
		if sdp.KindOf(err) != sdp.Invalid {
			t.Errorf("%q: %v", name, err)
		}
	}
}

func TestSpoolBelongsToOneProcess(t *testing.T) {
	dir := t.TempDir()
	spool := openSpool(t, dir)
	if _, err := logs.OpenSpool(dir); sdp.AsError(err).Code != "spool-in-use" {
		t.Error(err)
	}
	closeAll(t, spool)
	closeAll(t, openSpool(t, dir))
}

// A process that was just started has the lock of who started it until it runs its own program.
func TestSpoolIsFreeAMomentLater(t *testing.T) {
	dir := t.TempDir()
	spool := openSpool(t, dir)
	time.AfterFunc(50*time.Millisecond, func() { _ = spool.Close() })
	closeAll(t, openSpool(t, dir))
}

func TestHugeOutputIsBoundedAndItsEndKept(t *testing.T) {
	dir := t.TempDir()
	spool := openSpool(t, dir)
	s := create(t, spool, "s", logs.Options{})
	const lines = 100 << 20 / 100
	var all bytes.Buffer // 32 KiB at a time, as os/exec copies
	for i := range lines {
		all.WriteString(numberedLine(i))
		if all.Len() > 32<<10 || i == lines-1 {
			if _, err := all.WriteTo(s); err != nil {
				t.Fatal(err)
			}
		}
	}
	if info, _ := os.Stat(filepath.Join(dir, "s.log")); info.Size() > logs.DefaultMaxBytes+200 {
		t.Errorf("%d bytes before Close", info.Size())
	}
	closeAll(t, s, spool)
	got := read(t, filepath.Join(dir, "s.log"))
	if len(got) > logs.DefaultMaxBytes+256<<10+400 {
		t.Errorf("%d bytes in the end", len(got))
	}
	checkBounded(t, got, lines)
	if left, _ := filepath.Glob(filepath.Join(dir, "s.tail.*")); len(left) > 0 {
		t.Errorf("left behind: %v", left)
	}
}

// numberedLine is 99 bytes long.
func numberedLine(n int) string {
	digits := strconv.Itoa(n)
	return strings.Repeat("0", 98-len(digits)) + digits + "\n"
}

// checkBounded verifies a stream of numbered lines of 99 bytes: no gap before the notice, the right gap at the notice,
// the last line there.
func checkBounded(t *testing.T, got string, lines int) {
	t.Helper()
	next, missing := 0, -1
	for line := range strings.Lines(got) {
		var left, kept int
		switch {
		case strings.HasPrefix(line, "[LOG] the limit of "):
		case strings.HasPrefix(line, "[LOG]"):
			_, err := fmt.Sscanf(line, "[LOG] %d bytes left out here; the last %d bytes follow", &left, &kept)
			if err != nil || left%99 != 0 {
				t.Fatal(line, err)
			}
			missing = left / 99
			next += missing
		default:
			if line != numberedLine(next) {
				t.Fatalf("line %q, want number %d", line, next)
			}
			next++
		}
	}
	if missing <= 0 || next != lines {
		t.Errorf("ends at line %d of %d, with %d left out", next, lines, missing)
	}
}

// What was kept of the end survives the process: it is in files.
func TestBoundedStreamIsContinuedByAnotherProcess(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "odd [name]*")
	const lines, perProcess = 30000, 5000
	for first := 0; first < lines; first += perProcess {
		spool := openSpool(t, dir)
		s := create(t, spool, "s", logs.Options{MaxBytes: 100 << 10})
		for i := range perProcess {
			fmt.Fprint(s, numberedLine(first+i))
		}
		if first+perProcess == lines {
			closeAll(t, s)
		}
		closeAll(t, spool) // without Release, as if it were killed
	}
	got := read(t, filepath.Join(dir, "s.log"))
	checkBounded(t, got, lines)
	if len(got) < 300<<10 {
		t.Errorf("only %d bytes", len(got))
	}
}

func TestLongLineIsPassedOnInPieces(t *testing.T) {
	dir := t.TempDir()
	spool := openSpool(t, dir)
	s := create(t, spool, "s", logs.Options{Masker: mask.New("hunter2!")})
	line := strings.Repeat("é", 256<<10) + "hunter2!" + strings.Repeat("é", 256<<10)
	fmt.Fprint(s, line)
	info, err := os.Stat(filepath.Join(dir, "s.log"))
	if err != nil || info.Size() < 1<<20-128<<10 {
		t.Errorf("%v bytes passed on before the line's end, %v", info.Size(), err)
	}
	closeAll(t, s, spool)
	if got := read(t, filepath.Join(dir, "s.log")); got != strings.Replace(line, "hunter2!", "***", 1) {
		t.Error("the line was changed")
	}
}

func TestFullDiskDoesNotFailTheBuild(t *testing.T) {
	dir := t.TempDir()
	if err := os.Symlink("/dev/full", filepath.Join(dir, "s.log")); err != nil {
		t.Fatal(err)
	}
	spool := openSpool(t, dir)
	s := create(t, spool, "s", logs.Options{})
	for range 3 {
		if n, err := fmt.Fprintln(s, "error: no space left"); n != 21 || err != nil {
			t.Error(n, err)
		}
	}
	if got := s.Tail(100); strings.Count(got, "no space") != 3 {
		t.Errorf("tail %q", got)
	}
	if e := sdp.AsError(s.Close()); e.Kind != sdp.Exhausted || e.Code != "disk-full" || e.Remedy == "" {
		t.Errorf("%+v", e)
	}
}

// When there is space again the stream goes on and says what it lacks. A file size limit stands in for the disk; it
// holds for a whole process, so the test runs itself.
func TestStreamSaysWhatItLacks(t *testing.T) {
	dir := os.Getenv("SDP_TEST_DIR")
	if dir == "" {
		dir = t.TempDir()
		cmd := exec.CommandContext(t.Context(), os.Args[0], "-test.run=^TestStreamSaysWhatItLacks$")
		cmd.Env = append(os.Environ(), "SDP_TEST_DIR="+dir)
		if out, err := cmd.CombinedOutput(); err != nil {
			t.Fatalf("%v\n%s", err, out)
		}
		got := read(t, filepath.Join(dir, "s.log"))
		want := "before\n" + strings.Repeat("x", 93) + "\n[LOG] 109 bytes are missing here: write " +
			filepath.Join(dir, "s.log") + ": file too large\nafter\n"
		if got != want {
			t.Errorf("%q, want %q", got, want)
		}
		return
	}
	spool := openSpool(t, dir)
	s := create(t, spool, "s", logs.Options{})
	fmt.Fprintln(s, "before")
	limit := syscall.Rlimit{}
	if err := syscall.Getrlimit(syscall.RLIMIT_FSIZE, &limit); err != nil {
		t.Fatal(err)
	}
	limit.Cur = 100
	if err := syscall.Setrlimit(syscall.RLIMIT_FSIZE, &limit); err != nil {
		t.Fatal(err)
	}
	fmt.Fprintln(s, strings.Repeat("x", 193)) // 93 fit
	fmt.Fprintln(s, "lost it")
	limit.Cur = limit.Max
	if err := syscall.Setrlimit(syscall.RLIMIT_FSIZE, &limit); err != nil {
		t.Fatal(err)
	}
	fmt.Fprintln(s, "after")
	if err := s.Close(); err == nil {
		t.Error("Close says nothing")
	}
}

func TestUnreadableStateIsForgotten(t *testing.T) {
	dir := t.TempDir()
	for name, text := range map[string]string{"s.state": "{", "s.log": "data\n", ".s.state": "half", "README": "", "a b.log": ""} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	spool := openSpool(t, dir)
	s := create(t, spool, "s", logs.Options{})
	fmt.Fprintln(s, "more")
	closeAll(t, s, spool)
	if got := read(t, filepath.Join(dir, "s.log")); got != "data\nmore\n" {
		t.Errorf("%q", got)
	}
}

func openSpool(t testing.TB, dir string) *logs.Spool {
	t.Helper()
	s, err := logs.OpenSpool(dir)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = s.Close() })
	return s
}

func create(t testing.TB, spool *logs.Spool, name string, o logs.Options) *logs.Stream {
	t.Helper()
	s, err := spool.Create(name, o)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func closeAll(t testing.TB, closers ...io.Closer) {
	t.Helper()
	for _, c := range closers {
		if err := c.Close(); err != nil {
			t.Fatal(err)
		}
	}
}

func read(t testing.TB, path string) string {
	t.Helper()
	raw, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return string(raw)
}
