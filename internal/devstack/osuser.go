package devstack

import (
	"errors"
	"os"
	"os/user"
	"path/filepath"
	"slices"
	"strconv"
	"syscall"

	"sdp/internal/sdp"
)

// osUser is the user PostgreSQL runs as: it refuses to run as root.
type osUser struct {
	name   string
	uid    int
	gid    int
	groups []int
	same   bool // it is the user we run as ourselves
}

// postgresUser returns who PostgreSQL runs as and checks that they can get to the data directory.
func postgresUser(data string) (osUser, error) {
	if os.Geteuid() != 0 {
		return osUser{same: true}, nil
	}
	found, err := user.Lookup("postgres")
	if err != nil {
		return osUser{}, sdp.Errorf(sdp.Invalid, "no-postgres-user",
			"PostgreSQL cannot run as root, and there is no user postgres").
			WithRemedy("install PostgreSQL, which creates it: deploy/setup.sh up")
	}
	u := osUser{name: found.Username}
	u.uid, err = strconv.Atoi(found.Uid)
	gid, err2 := strconv.Atoi(found.Gid)
	if err := errors.Join(err, err2); err != nil {
		return u, err
	}
	u.gid = gid
	ids, _ := found.GroupIds() // without them only the main group counts
	for _, id := range ids {
		if n, err := strconv.Atoi(id); err == nil {
			u.groups = append(u.groups, n)
		}
	}
	return u, u.checkPath(data)
}

// credential makes a child run as the user; nil when that is who we are.
func (u osUser) credential() *syscall.Credential {
	if u.same {
		return nil
	}
	return &syscall.Credential{Uid: uint32(u.uid), Gid: uint32(u.gid)}
}

func (u osUser) own(path string) error {
	if u.same {
		return nil
	}
	return os.Chown(path, u.uid, u.gid)
}

// checkPath returns an error that names the first directory on the way to path the user cannot enter.
func (u osUser) checkPath(path string) error {
	for _, dir := range ancestors(path) {
		info, err := os.Stat(dir)
		if err != nil {
			return err
		}
		if !u.mayEnter(info) {
			return sdp.Errorf(sdp.Invalid, "data-out-of-reach",
				"PostgreSQL runs as user %s, who cannot enter %s (mode %04o)", u.name, dir, info.Mode().Perm()).
				WithRemedy("choose a data directory elsewhere, such as --data %s, or run `chmod o+x %s`", DefaultData(), dir)
		}
	}
	return nil
}

// mayEnter looks at the mode bits as the kernel does: the first class the user belongs to decides.
func (u osUser) mayEnter(info os.FileInfo) bool {
	stat, ok := info.Sys().(*syscall.Stat_t)
	if !ok {
		return true
	}
	mode := info.Mode().Perm()
	switch {
	case int(stat.Uid) == u.uid:
		return mode&0o100 != 0
	case int(stat.Gid) == u.gid || slices.Contains(u.groups, int(stat.Gid)):
		return mode&0o010 != 0
	}
	return mode&0o001 != 0
}

func ancestors(path string) []string {
	var dirs []string
	for dir := path; ; dir = filepath.Dir(dir) {
		dirs = append(dirs, dir)
		if dir == filepath.Dir(dir) {
			slices.Reverse(dirs)
			return dirs
		}
	}
}
