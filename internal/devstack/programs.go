package devstack

import (
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"sdp/internal/sdp"
)

// postgresPrograms finds the directory of initdb and postgres: of the version that made the data directory, or the
// newest there is.
func postgresPrograms(dataDir string) (string, error) {
	version := "*"
	if raw, err := os.ReadFile(filepath.Join(dataDir, "PG_VERSION")); err == nil {
		version = strings.TrimSpace(string(raw))
	}
	best, newest := "", -1
	for _, root := range []string{"/usr/lib/postgresql/", "/usr/pgsql-"} { // Debian's and Red Hat's kin
		pattern := root + version + "/bin/postgres"
		found, _ := filepath.Glob(pattern) // fails for a malformed pattern only
		for _, program := range found {
			dir := filepath.Dir(program)
			number, _ := strconv.Atoi(strings.TrimPrefix(filepath.Base(filepath.Dir(dir)), "pgsql-"))
			if _, err := os.Stat(filepath.Join(dir, "initdb")); err == nil && number > newest {
				best, newest = dir, number
			}
		}
	}
	if best != "" {
		return best, nil
	}
	if version != "*" {
		return "", sdp.Errorf(sdp.Invalid, "no-postgresql",
			"the data in %s needs PostgreSQL %s, which is not installed", dataDir, version).
			WithRemedy("install it: apt-get install postgresql-%s", version)
	}
	return "", sdp.Errorf(sdp.Invalid, "no-postgresql", "PostgreSQL is not installed").
		WithRemedy("install it: deploy/setup.sh up")
}
