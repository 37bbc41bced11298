package control

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"path/filepath"
	"strings"
	"sync"
	"time"
	"unicode"
)

// A Standby says what a gateway is doing while its control socket cannot be: on a disk that is full, without inodes,
// read-only or gone. It needs nothing of the disk: its socket has a name that only the kernel keeps (unix(7),
// abstract), made of the folder's path. Such a name has no permissions, so it answers root and its own user alone, and
// only ever with text.
type Standby struct {
	ln   net.Listener // nil where there is none
	done sync.WaitGroup

	mu   sync.Mutex // guards what follows
	said string
}

const (
	// standbyTimeout bounds an answer from both sides.
	standbyTimeout = 5 * time.Second
	// maxSaid bounds it in bytes.
	maxSaid = 4 << 10
)

// OpenStandby begins to answer, until Close. Where it cannot, on another system than Linux or beside another gateway of
// the same folder, nobody is answered: nothing but that depends on it.
func OpenStandby(ctx context.Context, dataDir string, log *slog.Logger) *Standby {
	s := &Standby{}
	var err error
	if s.ln, err = listenStandby(ctx, standbyName(dataDir)); err != nil {
		log.Debug("health cannot be asked for while the disk cannot be used", "err", err)
		return s
	}
	s.done.Go(s.serve)
	return s
}

// Say sets the answer.
func (s *Standby) Say(what string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.said = what
}

// Close ends the answers.
func (s *Standby) Close() {
	if s.ln == nil {
		return
	}
	_ = s.ln.Close() // no file is behind it
	s.done.Wait()
}

func (s *Standby) serve() {
	for {
		conn, err := s.ln.Accept()
		if errors.Is(err, net.ErrClosed) {
			return
		}
		if err != nil { // too many files are open, perhaps
			time.Sleep(100 * time.Millisecond)
			continue
		}
		s.answer(conn)
	}
}

func (s *Standby) answer(conn net.Conn) {
	defer func() { _ = conn.Close() }() // what was written is in the kernel
	if !trusted(conn) {
		return
	}
	s.mu.Lock()
	said := s.said
	s.mu.Unlock()
	_ = conn.SetDeadline(time.Now().Add(standbyTimeout)) // a connection that is gone fails below
	_, _ = io.WriteString(conn, said)                    // the client is gone then
}

// Standing asks the standby of a data folder's gateway what that is doing. The error is ErrNotRunning if there is
// none, or none that answers this user.
func Standing(ctx context.Context, dataDir string) (string, error) {
	ctx, cancel := context.WithTimeout(ctx, standbyTimeout)
	defer cancel()
	var d net.Dialer
	conn, err := d.DialContext(ctx, "unix", standbyName(dataDir))
	if err != nil {
		return "", fmt.Errorf("%w: %s", ErrNotRunning, dataDir)
	}
	defer func() { _ = conn.Close() }() // only read
	_ = conn.SetDeadline(time.Now().Add(standbyTimeout))
	text, _ := io.ReadAll(io.LimitReader(conn, maxSaid)) // what came is what there is
	if len(text) == 0 {
		return "", fmt.Errorf("%w that answers this user: %s", ErrNotRunning, dataDir)
	}
	return printable(string(text)), nil
}

// printable leaves a terminal as it is, whoever took the name.
func printable(text string) string {
	return strings.Map(func(r rune) rune {
		if unicode.IsPrint(r) {
			return r
		}
		return ' '
	}, text)
}

func standbyName(dataDir string) string {
	if abs, err := filepath.Abs(dataDir); err == nil {
		dataDir = abs
	}
	return fmt.Sprintf("@piway-gateway-%x", sha256.Sum256([]byte(dataDir)))
}
