package base

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"

	"sdp/internal/sdp"
)

// PHPImage is the name of the PHP base image. The tag is the oldest PHP it may hold; the label sdp.base.version has
// the exact one.
const PHPImage = "sdp-demo/php:8.2"

// LabelBase marks images made by this package; its value is their name.
const (
	LabelBase        = "sdp.base"
	LabelBaseVersion = "sdp.base.version"
)

// phpUser is the user containers of the image run as.
const phpUser = 65532

// phpModules are the shared modules a web application wants. What is not installed is left out: curl comes with
// Debian's php-curl, and much else is compiled in.
var phpModules = []string{"opcache", "ctype", "curl", "mbstring", "posix", "sockets", "tokenizer"}

// PHP writes the image PHPImage to w, as `docker load` reads it: the host's php (Debian's php-cli package), its
// libraries and modules, CA certificates, time zones, and the user app (65532).
func PHP(ctx context.Context, w io.Writer) error {
	host, err := inspectPHP(ctx)
	if err != nil {
		return err
	}
	binary, err := os.Stat(host.Binary)
	if err != nil {
		return err
	}
	files, err := host.layer(ctx)
	if err != nil {
		return err
	}
	return image{
		name:   PHPImage,
		user:   "65532:65532",
		env:    []string{"PATH=/usr/bin", "PHP_INI_SCAN_DIR=" + phpScanDir, "LC_ALL=C.UTF-8"},
		cmd:    []string{"/usr/bin/php", "-a"},
		labels: map[string]string{LabelBase: PHPImage, LabelBaseVersion: host.Version},
		made:   binary.ModTime(),
		layer:  files,
	}.write(w)
}

// FindPHP returns the path of the host's php.
func FindPHP() (string, error) {
	php, err := exec.LookPath("php")
	if err != nil {
		return "", sdp.Errorf(sdp.Unavailable, "php-missing", "PHP is not installed: %w", err).
			WithRemedy("apt-get install php-cli")
	}
	return php, nil
}

// hostPHP is what the host's php says of itself.
type hostPHP struct {
	Binary  string
	Version string
	Modules string // directory of the shared modules
	Config  string // directory of php.ini
}

func inspectPHP(ctx context.Context) (hostPHP, error) {
	php, err := FindPHP()
	if err != nil {
		return hostPHP{}, err
	}
	const ask = `echo json_encode(["Binary" => PHP_BINARY, "Version" => PHP_VERSION, "Modules" => PHP_EXTENSION_DIR,
		"Config" => PHP_CONFIG_FILE_PATH]);`
	out, err := exec.CommandContext(ctx, php, "-n", "-r", ask).Output()
	if err != nil {
		return hostPHP{}, sdp.Errorf(sdp.Internal, "php-failed", "the host's php does not run: %w", err)
	}
	var host hostPHP
	if err := json.Unmarshal(out, &host); err != nil {
		return hostPHP{}, sdp.Errorf(sdp.Internal, "php-failed", "the host's php does not say what it is: %w", err)
	}
	host.Binary, err = filepath.EvalSymlinks(host.Binary)
	return host, err
}

const certificates = "/etc/ssl/certs/ca-certificates.crt"

const phpScanDir = "/etc/php/conf.d"

const phpSettings = `; Settings of the base image; a Dockerfile may add files of its own beside this one.
date.timezone = UTC
expose_php = Off
display_errors = Off
log_errors = On
opcache.validate_timestamps = Off
openssl.cafile = ` + certificates + `
curl.cainfo = ` + certificates + `
`

func (h hostPHP) layer(ctx context.Context) (layer, error) {
	l := layer{
		"/usr/bin/php":             {from: h.Binary, mode: 0o755},
		phpScanDir + "/00-sdp.ini": {content: phpSettings},
		"/etc/passwd":              {content: "root:x:0:0:root:/:/sbin/nologin\napp:x:65532:65532:app:/app:/sbin/nologin\n"},
		"/etc/group":               {content: "root:x:0:\napp:x:65532:\n"},
		"/etc/nsswitch.conf":       {content: "hosts: files dns\n"},
		"/tmp":                     {mode: fs.ModeDir | fs.ModeSticky | 0o777},
		"/app":                     {mode: fs.ModeDir | 0o755, owner: phpUser},
	}
	linked := []string{h.Binary}
	for _, m := range phpModules {
		file := filepath.Join(h.Modules, m+".so")
		if _, err := os.Stat(file); err != nil {
			continue
		}
		load := "extension=" + m + "\n"
		if m == "opcache" {
			load = "zend_extension=opcache\n"
		}
		l[file] = entry{from: file}
		l[phpScanDir+"/20-"+m+".ini"] = entry{content: load}
		linked = append(linked, file)
	}
	return l, errors.Join(l.addLibraries(ctx, linked...), l.addShared(h))
}

// addShared adds what PHP reads at run time: php.ini, certificates, time zones.
func (l layer) addShared(h hostPHP) error {
	for _, file := range []string{filepath.Join(h.Config, "php.ini"), certificates} {
		if _, err := os.Stat(file); err == nil {
			l[file] = entry{from: file}
		}
	}
	const zones = "/usr/share/zoneinfo"
	return filepath.WalkDir(zones, func(file string, d fs.DirEntry, err error) error {
		if errors.Is(err, fs.ErrNotExist) && file == zones {
			return nil // PHP has its own copy unless Debian took it out, and Debian's depends on tzdata
		}
		if err != nil {
			return err
		}
		if d.IsDir() {
			if name := d.Name(); name == "posix" || name == "right" { // the same zones again
				return fs.SkipDir
			}
			return nil
		}
		if info, err := os.Stat(file); err == nil && info.Mode().IsRegular() && d.Name() != "localtime" {
			l[file] = entry{from: file}
		}
		return nil
	})
}
