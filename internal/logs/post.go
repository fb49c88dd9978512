package logs

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strconv"
	"strings"

	"sdp/internal/sdp"
)

// answer is what the server says to a piece of a stream.
type answer struct {
	offset   int64 // up to which it has the stream
	conflict bool  // it did not take the piece, because it continues at offset
}

// maxAnswer bounds how much of a response is read.
const maxAnswer = 16 << 10

// post sends one piece: POST <server>/node/v1/<node>/logs/<stream>?offset=N&final=B with the bytes as body. The server
// answers {"offset": committed} with 200, or with 409 if N is not where its copy ends.
func (t Target) post(ctx context.Context, p part, data []byte) (answer, error) {
	query := url.Values{"offset": {strconv.FormatInt(p.offset, 10)}, "final": {strconv.FormatBool(p.final)}}
	address := fmt.Sprintf("%s/node/v1/%s/logs/%s?%s",
		strings.TrimSuffix(t.URL, "/"), url.PathEscape(t.Node), url.PathEscape(p.stream), query.Encode())
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, address, bytes.NewReader(data))
	if err != nil {
		return answer{}, err
	}
	req.Header.Set("Content-Type", "application/octet-stream")
	if t.Token != nil {
		req.Header.Set("Authorization", "Bearer "+t.Token())
	}
	resp, err := t.Client.Do(req)
	if err != nil {
		return answer{}, err
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(io.LimitReader(resp.Body, maxAnswer)) // to the end, so that the connection is used again
	if err != nil {
		return answer{}, err
	}
	return readAnswer(resp.StatusCode, body)
}

func readAnswer(status int, body []byte) (answer, error) {
	if status != http.StatusOK && status != http.StatusConflict {
		return answer{}, &statusError{status: status, body: firstLine(body)}
	}
	var view struct {
		Offset *int64 `json:"offset"`
	}
	if err := json.Unmarshal(body, &view); err != nil || view.Offset == nil || *view.Offset < 0 {
		return answer{}, sdp.Errorf(sdp.Unavailable, "bad-answer",
			"the server's answer %d has no offset: %s", status, firstLine(body)).
			WithRemedy("run the same version of sdp on the server and on the nodes")
	}
	return answer{offset: *view.Offset, conflict: status == http.StatusConflict}, nil
}

func firstLine(body []byte) string {
	line, _, _ := strings.Cut(string(body), "\n")
	return strings.ToValidUTF8(line[:min(len(line), 200)], "")
}

// statusError is an HTTP status other than the two the protocol knows.
type statusError struct {
	status int
	body   string
}

func (e *statusError) Error() string {
	return fmt.Sprintf("the server answered %d: %s", e.status, e.body)
}

// refused reports whether trying again soon is pointless: a wrong token, an unknown stream, a stream the server holds to
// be final. It is tried again all the same, seldom, because an operator may put that right.
func refused(err error) bool {
	var status *statusError
	if !errors.As(err, &status) {
		var e *sdp.Error
		return errors.As(err, &e)
	}
	again := status.status == http.StatusTooManyRequests || status.status == http.StatusRequestTimeout
	return status.status < 500 && !again
}
