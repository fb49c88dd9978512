package redact_test

import (
	"strings"
	"testing"

	"sdp/internal/secret"
	"sdp/internal/secret/redact"
)

func TestRedactRemovesSecrets(t *testing.T) {
	for _, text := range []string{
		"clone https://bob:hunter2!@git.example/x.git failed",
		"clone https://hunter2!@git.example/x.git failed",
		`parse "https://bob:pa/hunter2!@git/x": invalid port ":pa" after host`,
		"https://bob:a@hunter2!@git/x",
		"https://bob:a@hunter2!/b@git/x",
		"https://a:b@one,https://c:hunter2!@two",
		"Authorization: Basic aHVudGVyMiE=",
		"Authorization: hunter2!",
		"proxy-authorization=hunter2!",
		`{"Authorization":["Basic hunter2!"]}`,
		`map[Authorization:[Bearer hunter2!] Accept:[*/*]]`,
		`{\"Authorization\":[\"Bearer hunter2!\"]}`,
		"Cookie: a=b; sdp_session=hunter2!",
		"set-cookie: x=hunter2!; Path=/",
		"X-SDP-Mesh-Token: hunter2!",
		"sent Bearer hunter2hunter2!",
		"sent bearer eyJhunter2!hbGciOiJIUzI1NiJ9",
		"password=hunter2!",
		"password = hunter2!",
		"password: hunter2!",
		"PGPASSWORD=hunter2! psql",
		"db_password='a hunter2!' host=x",
		`{"password":"a \" hunter2!"}`,
		"{\"password\":\"a\nhunter2!\"}",
		`{\"password\":\"hunter2!\"}`,
		`{"userPassword": "hunter2!"}`,
		"https://host/x?access_token=hunter2!&a=b",
		"api-key=hunter2!",
		"token:hunter2!",
		"secret=\"hunter2!\"",
		"--password=hunter2!",
		"password=a,b;c)hunter2!",
		"-----BEGIN RSA PRIVATE KEY-----\nhunter2!\nabc\n-----END RSA PRIVATE KEY-----",
		"got sdpn_hunter2abcdefghijklmnop",
		"got sdps_hunter2abcdefghijklmnop",
	} {
		got := redact.Text(text)
		if strings.Contains(got, "hunter2") || !strings.Contains(got, secret.Redacted) {
			t.Errorf("Redact(%q) = %q", text, got)
		}
		if again := redact.Text(got); again != got {
			t.Errorf("Redact(%q) = %q, and again %q", text, got, again)
		}
	}
}

func TestRedactKeepsTheRest(t *testing.T) {
	for text, want := range map[string]string{
		"https://bob:x@git/y.git: not found":  "https://[redacted]@git/y.git: not found",
		"http://a?x=1&password=p&b=2":         "http://a?x=1&password=[redacted]&b=2",
		`{"password":"p","user":"u"}`:         `{"password":"[redacted]","user":"u"}`,
		"user=u password='a b' host=h":        "user=u password='[redacted]' host=h",
		"Authorization: Basic abc\nAccept: *": "Authorization: [redacted]\nAccept: *",
	} {
		if got := redact.Text(text); got != want {
			t.Errorf("Redact(%q) = %q, want %q", text, got, want)
		}
	}
	for _, text := range []string{
		"",
		"Deployed",
		"deployment d-abc failed: exit status 1",
		"GET http://host:8080/path?email=a@b.example",
		"GET http://host/a@b",
		"http://[::1]:80/a@b",
		"npm install pkg@1.2.3 from https://registry/",
		"wrong token: signature is invalid",
		"secret: 3 values set",
		"basic authentication failed",
		"Bearer challenge missing",
		`password=""`,
		"mail a@b.example about https://host/x",
		"module sdp_x: sdps_short",
	} {
		if got := redact.Text(text); got != text {
			t.Errorf("Redact(%q) = %q", text, got)
		}
	}
}

func FuzzRedact(f *testing.F) {
	f.Add("https://a:b@c/d?password=x")
	f.Add(`{"token":"x","Authorization":["Bearer y"]}`)
	f.Fuzz(func(t *testing.T, s string) {
		redact.Text(s) // must not panic
	})
}

func BenchmarkRedact(b *testing.B) {
	for b.Loop() {
		redact.Text(`Get "http://127.0.0.1:7700/node/v1/micro-1/desired": dial tcp 127.0.0.1:7700: connect: connection refused`)
	}
}
