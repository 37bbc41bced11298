// Package control lets the command line speak to the running gateway, over a Unix socket in the data folder.
//
// Its promise: whoever may write in the data folder's group may ask, and nobody else; no TCP port is opened.
package control

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"log/slog"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"syscall"
	"time"

	"piway/shared/config"
	"piway/shared/files"
)

// ErrNotRunning is returned by Call when nobody listens: the gateway is stopped, or has another data folder.
var ErrNotRunning = errors.New("no gateway is running on this data folder")

// Path is where the socket of a data folder is.
func Path(dataDir string) string { return filepath.Join(dataDir, "gateway.sock") }

const (
	// maxPath is what a Unix socket address holds on Linux, with the terminating zero.
	maxPath = 107
	// mode lets the service's group ask too.
	mode = 0o660
	// timeout bounds a call from both sides.
	timeout = 30 * time.Second
	// maxBody bounds what is sent to the gateway.
	maxBody = 64 << 10
)

// A Server answers on the socket.
type Server struct {
	ln   net.Listener
	http *http.Server
}

// Open makes the socket. The caller holds the data folder's lock, so a socket that is there is a leftover.
func Open(ctx context.Context, dataDir string, handler http.Handler, log *slog.Logger) (*Server, error) {
	path := Path(dataDir)
	if len(path) > maxPath {
		return nil, config.Try(fmt.Errorf("opening the control socket %s: longer than the %d characters of a Unix socket",
			path, maxPath),
			"set data.dir to a shorter path")
	}
	if err := os.Remove(path); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("opening the control socket: %w", err)
	}
	var lc net.ListenConfig
	ln, err := lc.Listen(ctx, "unix", path)
	if err != nil {
		return nil, fmt.Errorf("opening the control socket: %w", err)
	}
	if err := files.GiveSocket(path, mode); err != nil {
		_ = ln.Close() // the first error is the one to tell
		return nil, fmt.Errorf("opening the control socket: %w", err)
	}
	return &Server{ln: ln, http: &http.Server{
		Handler: http.MaxBytesHandler(handler, maxBody), ConnContext: withPeer,
		ReadTimeout: timeout, ReadHeaderTimeout: timeout, WriteTimeout: timeout, IdleTimeout: timeout,
		ErrorLog: slog.NewLogLogger(log.Handler(), slog.LevelDebug),
	}}, nil
}

// Run answers until ctx ends; requests under way get a second more.
func (s *Server) Run(ctx context.Context) error {
	done := make(chan error, 1)
	go func() { done <- s.http.Serve(s.ln) }()
	select {
	case err := <-done:
		return fmt.Errorf("serving the control socket: %w", err)
	case <-ctx.Done():
	}
	grace, cancel := context.WithTimeout(context.WithoutCancel(ctx), time.Second)
	defer cancel()
	_ = s.http.Shutdown(grace) // what is still under way then is cut
	_ = s.http.Close()
	if err := <-done; !errors.Is(err, http.ErrServerClosed) {
		return fmt.Errorf("serving the control socket: %w", err)
	}
	return nil
}

// Reply writes v as JSON.
func Reply(w http.ResponseWriter, v any) {
	w.Header().Set("Content-Type", "application/json")
	_ = json.NewEncoder(w).Encode(v) // the client is gone then
}

// Call asks the gateway of a data folder. A reply of 2xx is decoded into out, if that is not nil; any other is an error
// with the reply's text.
func Call(ctx context.Context, dataDir, method, path string, in, out any) error {
	var body bytes.Buffer
	if in != nil {
		if err := json.NewEncoder(&body).Encode(in); err != nil {
			return fmt.Errorf("asking the gateway: %w", err)
		}
	}
	req, err := http.NewRequestWithContext(ctx, method, "http://gateway"+path, &body)
	if err != nil {
		return fmt.Errorf("asking the gateway: %w", err)
	}
	client := http.Client{Timeout: timeout, Transport: &http.Transport{
		DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
			var d net.Dialer
			return d.DialContext(ctx, "unix", Path(dataDir))
		},
		DisableKeepAlives: true,
	}}
	resp, err := client.Do(req)
	switch {
	case errors.Is(err, syscall.ENOENT), errors.Is(err, syscall.ECONNREFUSED):
		return fmt.Errorf("%w: %s", ErrNotRunning, dataDir)
	case errors.Is(err, syscall.EACCES):
		return config.PermitData(fmt.Errorf("asking the gateway: %s: %w", Path(dataDir), fs.ErrPermission), dataDir)
	case err != nil:
		return fmt.Errorf("asking the gateway: %w", err)
	}
	defer func() { _ = resp.Body.Close() }() // read to its end
	return read(resp, out)
}

func read(resp *http.Response, out any) error {
	text, err := io.ReadAll(resp.Body)
	if err != nil {
		return fmt.Errorf("asking the gateway: %w", err)
	}
	if resp.StatusCode >= http.StatusMultipleChoices {
		return errors.New(string(bytes.TrimSpace(text)))
	}
	if out == nil {
		return nil
	}
	if err := json.Unmarshal(text, out); err != nil {
		return fmt.Errorf("asking the gateway: %w", err)
	}
	return nil
}
