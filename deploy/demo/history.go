package demo

import (
	"bytes"
	"embed"
	"fmt"
	"io/fs"
	"path"
	"strings"
	"time"
)

// Every directory repositories/<repository>/<layer> is one commit: its files are added to, or replace, those of the
// commit before. Files end in .tmpl where the Go tool or git would otherwise take them for ours.
//
//go:embed all:repositories
var layers embed.FS

// commit is one commit of a demo repository.
type commit struct {
	branch  string
	layer   string // directory under repositories/<repository>
	author  string
	message string
}

const (
	alice = "Alice Berg <alice@example.com>"
	bob   = "Bob Meyer <bob@example.com>"
	carol = "Carol Novak <carol@example.com>"
)

// firstCommit is when the first commit was made; each next one is a day and a bit later. Fixed, so that everybody's
// demo has the same commits.
var firstCommit = time.Date(2025, time.March, 3, 9, 12, 0, 0, time.UTC)

// histories lists the commits of each repository. Feature branches start at the last commit of main before them.
var histories = map[string][]commit{
	"account": {
		{"main", "1-skeleton", alice, "Start the account service"},
		{"main", "2-accounts", bob, "Serve accounts"},
		{"main", "3-summary", alice, "Add the summary with payment and user"},
		{"main", "4-live", carol, "Add WebSocket, stream and slow answers"},
		{"feature/loyalty-points", "loyalty-points", bob, "Show loyalty points"},
		{"feature/broken-build", "broken-build", carol, "Take the points from the ledger (does not compile yet)"},
		{"feature/crash-at-start", "crash-at-start", bob, "Insist on a ledger"},
		{"feature/never-healthy", "never-healthy", alice, "Be ready only after the ledger was replayed"},
	},
	"payment": {
		{"main", "1-skeleton", bob, "Start the payment service"},
		{"main", "2-payments", alice, "Serve payments"},
		{"feature/instant-refunds", "instant-refunds", alice, "Refund at once"},
	},
	"user": {
		{"main", "1-skeleton", carol, "Start the user service"},
		{"main", "2-users", carol, "Serve users"},
		{"feature/profile-v2", "profile-v2", bob, "Add initials and time zone to the profile"},
	},
	"gateway": {
		{"main", "1-skeleton", alice, "Start the API gateway"},
		{"main", "2-forward", bob, "Forward to the services"},
		{"main", "3-overview", carol, "Show who answers"},
		{"feature/new-greeting", "new-greeting", carol, "Greet people as friends"},
	},
}

// fastImport returns the history of a repository in the form `git fast-import` reads.
func fastImport(repository string) ([]byte, error) {
	var b bytes.Buffer
	main := 0 // mark of main's last commit
	for i, c := range histories[repository] {
		mark := i + 1
		when := firstCommit.Add(time.Duration(i) * 25 * time.Hour).Unix()
		fmt.Fprintf(&b, "commit refs/heads/%s\nmark :%d\n", c.branch, mark)
		fmt.Fprintf(&b, "author %s %d +0000\ncommitter %[1]s %[2]d +0000\n", c.author, when)
		writeData(&b, []byte(c.message+"\n"))
		if main > 0 {
			fmt.Fprintf(&b, "from :%d\n", main)
		}
		if err := writeLayer(&b, repository, c.layer); err != nil {
			return nil, err
		}
		if c.branch == "main" {
			main = mark
		}
	}
	b.WriteString("done\n")
	return b.Bytes(), nil
}

// writeLayer adds the files of a layer to the commit being written. The first layer of a Go repository brings the
// package all services share.
func writeLayer(b *bytes.Buffer, repository, layer string) error {
	if layer == "1-skeleton" && repository != "gateway" {
		if err := writeFiles(b, "repositories/service", "internal/service"); err != nil {
			return err
		}
	}
	return writeFiles(b, path.Join("repositories", repository, layer), "")
}

func writeFiles(b *bytes.Buffer, from, to string) error {
	return fs.WalkDir(layers, from, func(name string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() {
			return err
		}
		content, err := layers.ReadFile(name)
		if err != nil {
			return err
		}
		target := path.Join(to, strings.TrimSuffix(strings.TrimPrefix(name, from+"/"), ".tmpl"))
		if target == "gitignore" {
			target = ".gitignore"
		}
		fmt.Fprintf(b, "M 100644 inline %s\n", target)
		writeData(b, content)
		return nil
	})
}

func writeData(b *bytes.Buffer, content []byte) {
	fmt.Fprintf(b, "data %d\n%s\n", len(content), content)
}
