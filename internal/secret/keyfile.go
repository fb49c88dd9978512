package secret

import (
	"encoding/base64"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"slices"
	"strings"
	"syscall"
	"time"

	"sdp/internal/atomicfile"
	"sdp/internal/sdp"
)

const keySize = 32 // bytes: an AES-256 key, an HKDF key, or the seed of an X-Wing private key

// KeyState says what a key is used for.
type KeyState string

const (
	KeyOld    KeyState = "old"    // opens what it sealed, seals nothing new
	KeyActive KeyState = "active" // seals and opens; exactly one
	KeyNext   KeyState = "next"   // opens already, will be active; there to be copied to other machines first
)

// KeyInfo describes a key without the key itself.
type KeyInfo struct {
	ID    string
	State KeyState
	Since time.Time // when it got this state
}

type key struct {
	KeyInfo
	secret []byte
}

const keyFileHeader = "# Keys of SDP: id, state, since, key. Keep this file secret and back it up.\n"

// readKeys reads a key file and refuses one that others than its owner can read.
func readKeys(path string) ([]key, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, keyFileError(path, err)
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return nil, keyFileError(path, err)
	}
	if info.Mode().Perm()&0o077 != 0 {
		return nil, sdp.Errorf(sdp.Internal, "key-file-exposed",
			"the key file %s can be read by others (mode %04o)", path, info.Mode().Perm()).
			WithRemedy("run `chmod 600 %s`, and rotate the keys if others have used this machine", path)
	}
	text, err := os.ReadFile(path)
	if err != nil {
		return nil, keyFileError(path, err)
	}
	return parseKeys(path, string(text))
}

func parseKeys(path, text string) ([]key, error) {
	var keys []key
	active := 0
	for i, line := range strings.Split(text, "\n") {
		line = strings.TrimSpace(line)
		if line == "" || strings.HasPrefix(line, "#") {
			continue
		}
		k, err := parseKey(line)
		if err == nil && slices.ContainsFunc(keys, func(o key) bool { return o.ID == k.ID }) {
			err = fmt.Errorf("key %s occurs twice", k.ID)
		}
		if err != nil {
			return nil, damaged("%s:%d: %w", path, i+1, err)
		}
		if k.State == KeyActive {
			active++
		}
		keys = append(keys, k)
	}
	if active != 1 {
		return nil, damaged("%s has %d active keys instead of one", path, active)
	}
	return keys, nil
}

// parseKey never quotes the line: it holds a key.
func parseKey(line string) (key, error) {
	f := strings.Fields(line)
	if len(f) != 4 {
		return key{}, errors.New(`not of the form "id state since key"`)
	}
	since, err := time.Parse(time.RFC3339, f[2])
	if err != nil {
		return key{}, errors.New("the time is not in RFC 3339 form")
	}
	raw, err := base64.StdEncoding.DecodeString(f[3])
	if err != nil || len(raw) != keySize {
		return key{}, fmt.Errorf("the key is not %d bytes in base64", keySize)
	}
	state := KeyState(f[1])
	if !slices.Contains([]KeyState{KeyOld, KeyActive, KeyNext}, state) {
		return key{}, errors.New("the state is none of old, active and next")
	}
	if len(f[0]) > 255 {
		return key{}, errors.New("the id is longer than 255 characters")
	}
	return key{KeyInfo: KeyInfo{ID: f[0], State: state, Since: since}, secret: raw}, nil
}

// writeKeys puts keys at path. With exclusive set an existing file is left as it is and fs.ErrExist returned.
func writeKeys(path string, keys []key, exclusive bool) error {
	var b strings.Builder
	b.WriteString(keyFileHeader)
	for _, k := range keys {
		fmt.Fprintln(&b, k.ID, k.State, k.Since.UTC().Format(time.RFC3339), base64.StdEncoding.EncodeToString(k.secret))
	}
	write := atomicfile.Write
	if exclusive {
		write = atomicfile.Create
	}
	err := write(path, []byte(b.String()), 0o600)
	switch {
	case errors.Is(err, fs.ErrExist):
		return fs.ErrExist
	case err != nil:
		return keyFileError(path, err)
	}
	return nil
}

// lockFile takes the advisory lock that orders changes of a key file between processes. The kernel drops it when the
// process ends, however it ends.
func lockFile(path string) (unlock func(), err error) {
	f, err := os.OpenFile(path+".lock", os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return nil, keyFileError(path, err)
	}
	if err := syscall.Flock(int(f.Fd()), syscall.LOCK_EX); err != nil {
		f.Close()
		return nil, keyFileError(path, err)
	}
	return func() { f.Close() }, nil
}

func damaged(format string, args ...any) error {
	return sdp.Errorf(sdp.Internal, "bad-key-file", format, args...).
		WithRemedy("restore the key file from a backup; without its keys, what they sealed cannot be opened")
}

func keyFileError(path string, err error) error {
	e := sdp.Errorf(sdp.Internal, "key-file", "the key file %s cannot be used: %w", path, err)
	if errors.Is(err, fs.ErrPermission) {
		return e.WithRemedy("run SDP as the user who owns %s", path)
	}
	return e.WithRemedy("check that the directory exists, is writable and has space left")
}
