package e2e

import (
	"bytes"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"
)

// stack is the one installation that tests share unless they are of the lab. They make sandboxes of their own and never
// touch others'.
var stack *installation

// The whole suite runs as three processes side by side, because tests wait more than they work: those of the lab or of sites
// of their own, those on several machines, and those that share the stack. More would not be faster on two cores: the browser
// wants one for itself. There is no second stack: images are named after their content, so two demos would have theirs in common, and the
// `sdp down` of one would take the other's.
const ofTheLab = "^Test(ApplyAllOrNothing|ApplyWhileAnotherRuns|BusyNode|ContainerNameHeldByAForeigner|DiskFull|DockerDown|" +
	"EnvironmentFromDotenv|EnvironmentReachesTheService|FloodOfOutput|ImagesArePruned|LoginFailuresAreToldApart|LongLine|" +
	"MissingBaseImage|ModuleMissingOffline|NeverHealthy|NoDockerfile|NodeThatIsGone|OversizedSettingsFailTheDeployment|" +
	"PasswordChangedAfterLogin|PlanIsWhatApplyDoes|PlansThatCannotBe|PostgresGoesAway|PublicPortHeldByAForeignProcess|" +
	"RevokedSession|SecretsAreNowhere|TemporalLosesItsDatabases|Templates|TooLargeSettingsAreRefused|Tracking)$"

// ofTheHosts is the tests on several machines.
const ofTheHosts = "^TestHosts"

func TestMain(m *testing.M) {
	flag.Parse()
	switch run := asked("run"); {
	case run == "" && asked("skip") == "" && asked("list") == "":
		os.Exit(sideBySide("-test.skip="+ofTheLab+"|"+ofTheHosts, "-test.run="+ofTheLab, "-test.run="+ofTheHosts))
	case strings.HasPrefix(strings.TrimPrefix(run, "^"), "TestHosts"):
		os.Exit(runApart(func() int { return tearDown(m.Run(), stopHosts) }))
	case run == ofTheLab:
		os.Exit(tearDown(m.Run(), stopLab))
	}
	var err error
	if stack, err = install(); err != nil {
		fmt.Fprintln(os.Stderr, "e2e: the stack did not come up:", err)
		os.Exit(1)
	}
	os.Exit(tearDown(m.Run(), stopLab, stack.uninstall))
}

func asked(name string) string { return flag.Lookup("test." + name).Value.String() }

func tearDown(code int, steps ...func() error) int {
	for _, step := range steps {
		if err := step(); err != nil {
			fmt.Fprintln(os.Stderr, "e2e: an installation did not go away cleanly:", err)
			code = 1
		}
	}
	return code
}

// sideBySide runs this program once for each choice of tests and prints what each printed, whole, when it ends.
func sideBySide(choices ...string) int {
	var group sync.WaitGroup
	var printing sync.Mutex
	code := 0
	for _, choice := range choices {
		group.Go(func() {
			var printed bytes.Buffer
			cmd := exec.Command(os.Args[0], append(slices.Clone(os.Args[1:]), choice)...)
			cmd.Stdout, cmd.Stderr = &printed, &printed
			cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGTERM}
			err := cmd.Run()
			printing.Lock()
			defer printing.Unlock()
			if _, lost := os.Stdout.Write(printed.Bytes()); err != nil || lost != nil {
				fmt.Println("e2e: the tests of", choice, "ended with", errors.Join(err, lost))
				code = 1
			}
		})
	}
	group.Wait()
	return code
}
