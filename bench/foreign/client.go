// Go's net/http as a client of the bench: one Transport, whose limits are the sockets asked for.
//
// A request goes through Transport.RoundTrip: what a Client adds to it (redirects, cookies, a timeout) no
// other client does here.
package main

import (
	"bytes"
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"runtime"
)

// work is the argument.
type work struct {
	URL      string
	Method   string
	Upload   int
	Sockets  int
	Tasks    int
	Threads  int
	WarmMS   int `json:"warm_ms"`
	RunMS    int `json:"run_ms"`
	CA       *string
	Latency  bool
	Requests *int
}

func main() {
	var w work
	if len(os.Args) != 2 {
		giveUp("one argument is needed, a JSON object")
	}
	if err := json.Unmarshal([]byte(os.Args[1]), &w); err != nil {
		giveUp("the argument: %v", err)
	}
	runtime.GOMAXPROCS(w.Threads)
	c, err := newClient(&w)
	if err != nil {
		giveUp("%v", err)
	}
	var r result
	if w.Requests != nil {
		r = counted(c.ask, *w.Requests, w.Latency)
	} else {
		r = timed(c.ask, &w)
	}
	if err := json.NewEncoder(os.Stdout).Encode(r); err != nil {
		giveUp("the result: %v", err)
	}
}

// client is a pool and the request that is sent through it again and again.
type client struct {
	transport *http.Transport
	request   *http.Request
	body      []byte
}

func newClient(w *work) (*client, error) {
	target, err := url.Parse(w.URL)
	if err != nil {
		return nil, err
	}
	transport := &http.Transport{
		MaxConnsPerHost:     w.Sockets,
		MaxIdleConnsPerHost: w.Sockets,
		MaxIdleConns:        0, // no limit beside the one above
		DisableCompression:  true,
	}
	if w.CA != nil {
		pem, err := os.ReadFile(*w.CA)
		if err != nil {
			return nil, err
		}
		roots := x509.NewCertPool()
		if !roots.AppendCertsFromPEM(pem) {
			return nil, fmt.Errorf("no certificate in %s", *w.CA)
		}
		transport.TLSClientConfig = &tls.Config{RootCAs: roots}
	}
	request := &http.Request{
		Method:        w.Method,
		URL:           target,
		Header:        http.Header{"User-Agent": {"bench"}, "Accept": {"*/*"}},
		ContentLength: int64(w.Upload),
	}
	return &client{transport, request, bytes.Repeat([]byte("a"), w.Upload)}, nil
}

// ask sends one request and reads its response's body to the end, whatever its status.
func (c *client) ask() (int64, error) {
	request := c.request.WithContext(context.Background()) // a copy: the transport keeps it for a while
	if len(c.body) > 0 {
		request.Body = io.NopCloser(bytes.NewReader(c.body))
	}
	response, err := c.transport.RoundTrip(request)
	if err != nil {
		return 0, err
	}
	defer response.Body.Close()
	n, err := io.Copy(io.Discard, response.Body)
	if err != nil {
		return 0, err
	}
	if response.StatusCode != http.StatusOK {
		return 0, fmt.Errorf("status %d", response.StatusCode)
	}
	return n, nil
}

func giveUp(format string, args ...any) {
	fmt.Fprintf(os.Stderr, format+"\n", args...)
	os.Exit(1)
}
