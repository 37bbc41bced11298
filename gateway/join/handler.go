package join

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"log/slog"
	"math"
	"net/http"
	"net/netip"
	"os"
	"strconv"
	"time"

	"piway/shared/pairing"
	"piway/shared/pki"
	"piway/shared/tell"
)

// Texts of what the device's user reads, which end with what to do.
const (
	wrongToken = "the gateway knows no such invitation, try: piway-gateway invite NAME, and paste the new line"
	voidToken  = "this invitation was tried too often with a wrong secret and is void, try: piway-gateway invite NAME, and " +
		"paste the new line"
	tooMany = "too many wrong invitations came from this address, try: again later, and piway-gateway invite NAME for a new one"
	failed  = "the gateway could not store it, try: the same line again; the gateway's log says what is wrong"
	busy    = "too many devices join at this moment, try: the same line again"
	late    = "the request was not whole in time, try: the same line again"
)

// ServeHTTP answers a request. It is for Serve, whose connections it needs.
func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	c := r.Context().Value(connKey{}).(*conn)
	c.asked = true
	body, bad := read(w, r)
	if bad != nil {
		s.refuse(w, c.host, *bad)
		return
	}
	if !s.places.leave(c) {
		return // closed to make room
	}
	c.whole()
	select {
	case s.judged <- struct{}{}:
		defer func() { <-s.judged }()
	default:
		s.refuse(w, c.host, answer{kind: "busy", status: http.StatusServiceUnavailable, text: busy, wait: time.Second})
		return
	}
	id, secret, key, err := pairing.ReadRequest(bytes.NewReader(body))
	if err != nil {
		s.refuse(w, c.host, answer{kind: "request", status: http.StatusBadRequest, text: err.Error(), wrong: true})
		return
	}
	if s.limits.isVoid(id) {
		s.refuse(w, c.host, answer{kind: "void", status: http.StatusGone, text: voidToken, wrong: true})
		return
	}
	joined, err := s.cfg.Join(c.host, id, secret, key)
	if err != nil {
		s.refuse(w, c.host, s.why(c.host, id, key, err))
		return
	}
	w.Header().Set("Content-Type", "application/json")
	_ = json.NewEncoder(w).Encode(joined) // who has left asks again
}

// An answer is why something is refused, and what is said to the client.
type answer struct {
	kind   string // of refusals that are told once for an address
	status int
	text   string
	log    error         // what is told, if that is not text
	wrong  bool          // whether it is counted as a wrong token
	wait   time.Duration // after which to ask again
}

// read returns the body of a request that is as it must be.
func read(w http.ResponseWriter, r *http.Request) ([]byte, *answer) {
	bad := func(status int, text string) ([]byte, *answer) {
		return nil, &answer{kind: "request", status: status, text: text, wrong: true}
	}
	switch {
	case r.ProtoMajor != 1 || r.ProtoMinor != 1:
		return bad(http.StatusHTTPVersionNotSupported, "only HTTP/1.1 is spoken here")
	case r.URL.Path != pairing.Path:
		return bad(http.StatusNotFound, "there is only "+pairing.Path)
	case r.Method != http.MethodPost:
		w.Header().Set("Allow", http.MethodPost)
		return bad(http.StatusMethodNotAllowed, "only POST is taken")
	case r.ContentLength > pairing.MaxBody:
		return bad(http.StatusRequestEntityTooLarge, "the request "+pairing.ErrTooLong.Error())
	}
	body, err := io.ReadAll(io.LimitReader(r.Body, pairing.MaxBody+1))
	switch {
	case errors.Is(err, os.ErrDeadlineExceeded):
		return nil, &answer{kind: "late", status: http.StatusRequestTimeout, text: late}
	case err != nil:
		return bad(http.StatusBadRequest, "the request is not whole: "+err.Error())
	case len(body) > pairing.MaxBody:
		return bad(http.StatusRequestEntityTooLarge, "the request "+pairing.ErrTooLong.Error())
	}
	return body, nil
}

// why turns an error of Join into an answer, and counts a wrong secret.
func (s *Server) why(host netip.Addr, id [6]byte, key pki.Sum, err error) answer {
	r, ok := errors.AsType[*Refusal](err)
	if !ok {
		s.cfg.Log.Tell(slog.LevelError, "", "a device could not join", "address", host, "err", err)
		return answer{kind: "failed", status: http.StatusServiceUnavailable, text: failed, log: err, wait: 5 * time.Second}
	}
	switch r.Why {
	case WrongSecret:
		if s.limits.wrongSecret(id) == maxSecrets {
			s.cfg.Log.Tell(slog.LevelWarn, host.String(), "an invitation is void: somebody knows a part of it and tried secrets",
				"address", host, "tries", maxSecrets, "try", tell.Own("piway-gateway invite NAME anew for who is to come"))
		}
	case Used:
		s.cfg.Log.Tell(slog.LevelWarn, host.String()+" "+r.Device, "another key came with an invitation that is used",
			"device", r.Device, "address", host, "key", tell.Own(key.String()),
			"try", tell.Own("if both were not you, somebody has read the invitation: piway-gateway device revoke "+r.Device+
				", and invite it with --replace"))
	}
	a := answer{kind: r.Why.String(), status: statuses[r.Why], text: r.Error(), log: r}
	if a.wrong = r.Why == WrongID || r.Why == WrongSecret; a.wrong {
		a.kind, a.text, a.log = "token", wrongToken, nil // nobody learns which
	}
	return a
}

// refuse tells the log and the client.
func (s *Server) refuse(w http.ResponseWriter, host netip.Addr, a answer) {
	if a.wrong {
		if wait := s.limits.wrong(host); wait > 0 {
			a.status, a.text, a.wait = http.StatusTooManyRequests, tooMany, wait
		}
	}
	if a.log != nil {
		s.tell(host, a.kind, a.log)
	} else {
		s.tell(host, a.kind, a.text)
	}
	if a.wait > 0 {
		w.Header().Set("Retry-After", strconv.Itoa(int(math.Ceil(a.wait.Seconds()))))
	}
	http.Error(w, a.text, a.status)
}
