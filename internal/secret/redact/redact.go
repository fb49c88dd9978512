// Package redact removes what slips into messages, error texts and log records although it is secret.
package redact

import (
	"regexp"
	"strings"

	"sdp/internal/secret"
)

// Text replaces what looks like a secret in text for people: user information in URLs, Authorization and cookie
// headers, bearer and basic credentials, assignments such as password=..., SDP's own tokens, and PEM private keys.
//
// It is the last line of defence and works by form alone. A secret whose value is known is masked by value, in package
// logs, before it gets here.
func Text(text string) string {
	if !strings.ContainsAny(text, ":=_ -") { // every rule needs one of these
		return text
	}
	if strings.Contains(text, "://") && strings.Contains(text, "@") {
		text = redactURLs(text)
	}
	if strings.Contains(text, "PRIVATE KEY-----") {
		text = pemKey.ReplaceAllString(text, secret.Redacted)
	}
	if strings.Contains(text, "sdp") {
		text = ownToken.ReplaceAllString(text, secret.Redacted)
	}
	lower := strings.ToLower(text) // searching for words first is 20 times faster than the expressions alone
	if strings.ContainsAny(text, ":=") && containsAny(lower, "authorization", "cookie", "x-") {
		text = secretHeader.ReplaceAllStringFunc(text, redactHeaderLine)
	}
	if strings.ContainsAny(text, ":=") && containsAny(lower, "pass", "pwd", "secret", "token", "key") {
		text = assignment.ReplaceAllStringFunc(text, redactAssignment)
	}
	if containsAny(lower, "basic", "bearer") {
		text = bareCredentials.ReplaceAllStringFunc(text, redactBare)
	}
	return text
}

func containsAny(text string, words ...string) bool {
	for _, w := range words {
		if strings.Contains(text, w) {
			return true
		}
	}
	return false
}

const quotedValue = `"(?:[^"\\]|\\.)*"|'[^']*'|\\+"[^"\\]*\\+"`

var (
	pemKey   = regexp.MustCompile(`-----BEGIN [A-Z ]*PRIVATE KEY-----[^-]*(?:-----END [A-Z ]*PRIVATE KEY-----)?`)
	ownToken = regexp.MustCompile(`\bsdp[snm]_[A-Za-z0-9_-]{16,}`)

	// A header that carries credentials, as HTTP, curl -v, fmt's %v of a http.Header, or JSON write it.
	secretHeader = regexp.MustCompile(`(?i)(` +
		`\b(?:(?:proxy-)?authorization|(?:set-)?cookie|x-(?:sdp-mesh-token|api-key|auth-token))` +
		`\\*["']?\s*[:=]\s*\[?\\*["']?)([^"'\r\n\]\\]+)`)

	// name=value, name: value, "name":"value", also with quotes escaped. Only these separators and quotes are kept.
	// After "=" a value without quotes goes on to the next space or "&"; after ":" punctuation ends it as well.
	assignment = regexp.MustCompile(`(?i)[a-z0-9_.-]*` +
		`(?:password|passwd|passphrase|pwd|secret|token|api[_-]?key|private[_-]?key)` +
		`(?:\\*["']?\s*=\s*(?:` + quotedValue + `|[^\s&"'\\]+)|\\*["']?:\s*(?:` + quotedValue + `|[^\s,;&"'{}()\[\]\\]+))`)
	assignmentParts = regexp.MustCompile(`(?s)^([^:=]*?)(\s*[:=]\s*)(.*)$`)

	bareCredentials = regexp.MustCompile(`\b(?i:basic|bearer)\s+[A-Za-z0-9+/=._~-]{8,}`)

	port = regexp.MustCompile(`^:[0-9]{1,5}$`)
)

// redactURLs removes user information from every URL in text.
func redactURLs(text string) string {
	var out strings.Builder
	for {
		before, after, found := strings.Cut(text, "://")
		out.WriteString(before)
		if !found {
			return out.String()
		}
		end := strings.IndexAny(after, " \t\r\n\"'<>`")
		if end < 0 {
			end = len(after)
		}
		if next := strings.Index(after[:end], "://"); next >= 0 {
			end = next
		}
		out.WriteString("://" + redactUserinfo(after[:end]))
		text = after[end:]
	}
}

// redactUserinfo takes a URL without its scheme. A password may hold an unescaped "@", "/" or "?", which no parser
// accepts but which is exactly what ends up in the error text; so everything up to the last "@" goes, unless what
// precedes the first slash can only be a host.
func redactUserinfo(url string) string {
	at := strings.LastIndex(url, "@")
	if at < 0 {
		return url
	}
	host, _, hasPath := strings.Cut(url[:at], "/")
	colon := strings.Index(host, ":")
	plain := colon < 0 || port.MatchString(host[colon:]) || strings.HasPrefix(host, "[")
	if hasPath && plain && !strings.Contains(host, "@") {
		return url // host/...@... or host:8080/...@...
	}
	return secret.Redacted + url[at:]
}

// redactHeaderLine keeps the header's name, and a value that is redacted already.
func redactHeaderLine(found string) string {
	parts := secretHeader.FindStringSubmatch(found)
	if parts == nil || parts[2] == "redacted" || parts[2] == "[redacted" {
		return found
	}
	return parts[1] + secret.Redacted
}

// redactAssignment keeps the name. Prose such as "wrong token: not found" is kept as well: after a colon and a space
// only a password is taken for an assignment.
func redactAssignment(found string) string {
	parts := assignmentParts.FindStringSubmatch(found)
	if parts == nil {
		return found
	}
	name, separator, value := parts[1], parts[2], parts[3]
	quoted := strings.ContainsAny(name, `"'`) || strings.ContainsAny(value[:1], "\"'\\")
	prose := strings.HasSuffix(separator, " ") && strings.Contains(separator, ":") && !quoted
	if prose && !strings.Contains(strings.ToLower(name), "passw") || value == secret.Redacted {
		return found
	}
	open := value[:len(value)-len(strings.TrimLeft(value, `\"'`))]
	if open == value { // an empty string
		return found
	}
	return name + separator + open + secret.Redacted + open
}

// redactBare tells "Bearer eyJhbGciOi..." from "basic authentication".
func redactBare(found string) string {
	i := strings.IndexAny(found, " \t\r\n")
	value := strings.TrimLeft(found[i:], " \t\r\n")
	word := strings.Trim(value, ".-")
	if len(word) < 24 && !strings.ContainsAny(word, "0123456789+/=_~") && word[1:] == strings.ToLower(word[1:]) {
		return found
	}
	return found[:len(found)-len(value)] + secret.Redacted
}
