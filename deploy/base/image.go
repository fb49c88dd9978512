package base

import (
	"archive/tar"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"hash"
	"io"
	"runtime"
	"time"
)

// image is what `docker load` gets.
type image struct {
	name   string
	user   string
	env    []string
	cmd    []string
	labels map[string]string
	made   time.Time // shown as the image's age
	layer  layer
}

// write writes the image in the format of `docker save` (one layer, version 1.2 of the image specification). The layer
// is written twice, the first time only to be hashed and measured: it need never be held in memory.
func (i image) write(w io.Writer) error {
	sum := &measure{hash: sha256.New()}
	if err := i.layer.write(sum); err != nil {
		return err
	}
	diffID := hex.EncodeToString(sum.hash.Sum(nil))
	config, err := json.Marshal(i.config("sha256:" + diffID))
	if err != nil {
		return err
	}
	digest := sha256.Sum256(config)
	configName := hex.EncodeToString(digest[:]) + ".json"
	manifest, err := json.Marshal([]map[string]any{{
		"Config": configName, "RepoTags": []string{i.name}, "Layers": []string{diffID + "/layer.tar"},
	}})
	if err != nil {
		return err
	}

	tw := tar.NewWriter(w)
	if err := addFile(tw, configName, config); err != nil {
		return err
	}
	if err := tw.WriteHeader(header(diffID+"/layer.tar", sum.size)); err != nil {
		return err
	}
	if err := i.layer.write(tw); err != nil {
		return err
	}
	if err := addFile(tw, "manifest.json", manifest); err != nil {
		return err
	}
	return tw.Close()
}

func (i image) config(diffID string) map[string]any {
	made := i.made.UTC().Format(time.RFC3339)
	return map[string]any{
		"architecture": runtime.GOARCH,
		"os":           "linux",
		"created":      made,
		"config":       map[string]any{"User": i.user, "Env": i.env, "Cmd": i.cmd, "Labels": i.labels, "WorkingDir": "/"},
		"rootfs":       map[string]any{"type": "layers", "diff_ids": []string{diffID}},
		"history":      []map[string]any{{"created_by": "sdp", "created": made}},
	}
}

func header(name string, size int64) *tar.Header {
	return &tar.Header{Name: name, Size: size, Mode: 0o644, ModTime: time.Unix(0, 0), Format: tar.FormatPAX}
}

func addFile(tw *tar.Writer, name string, content []byte) error {
	if err := tw.WriteHeader(header(name, int64(len(content)))); err != nil {
		return err
	}
	_, err := tw.Write(content)
	return err
}

// measure is a writer that keeps only the hash and the size of what is written.
type measure struct {
	hash hash.Hash
	size int64
}

func (m *measure) Write(p []byte) (int, error) {
	m.size += int64(len(p))
	return m.hash.Write(p)
}
