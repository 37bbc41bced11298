package broker_test

import (
	"fmt"
	"strings"
	"testing"

	"piway/gateway/broker"
)

// Of a device eight connections stand. A ninth gets in, and the one that has been silent for longest goes: that is a
// socket whose other end is gone, not the agent that reports.
func TestBroker_connections_perDevice(t *testing.T) {
	r := startPlain(t, nil)
	other := r.connect("pi2")
	var all []*client
	for i := range 8 {
		all = append(all, r.connectAs(login{user: "pi1", password: "hunter-pi1", id: fmt.Sprint("id", i)}))
	}
	all[0].wantNothing() // the oldest, and it lives
	for i := range 5 {
		c := dial(t, r.Addr()) // who does not know the password throws nobody out
		c.send(login{user: "pi1", password: "guess", id: fmt.Sprint("wrong", i)}.bytes())
		c.want(connack, 0, 5)
	}
	ninth := r.connectAs(login{user: "pi1", password: "hunter-pi1", id: "ninth"})
	all[1].wantClosed()
	again := r.connectAs(login{user: "pi1", password: "hunter-pi1", id: "id0"}) // which takes the place of its own old one
	all[0].wantClosed()
	for _, c := range append(all[2:], ninth, again, other) {
		c.wantNothing()
	}
	for i := range 50 {
		r.connectAs(login{user: "pi1", password: "hunter-pi1", id: fmt.Sprint("more", i)}).wantNothing()
	}
	other.wantNothing()
	if n := r.Counts(); n.Open-n.Waiting != 9 {
		t.Errorf("got counts %+v, want eight of pi1 and one of pi2", n)
	}
	if n := strings.Count(r.log.String(), "too many connections of a device"); n != 1 {
		t.Errorf("told %d times in\n%s", n, r.log)
	}
}

// Who claims to be a device is none of its connections, before or after its password is judged.
func TestBroker_connections_claims(t *testing.T) {
	judging, verdict := make(chan struct{}, 10), make(chan struct{})
	r := startPlain(t, func(c *broker.Config) {
		right := c.Authenticate
		c.Authenticate = func(user, password string, _ bool) bool {
			if password == "guess" {
				judging <- struct{}{}
				<-verdict
			}
			return right(user, password, false)
		}
	})
	var own, claims []*client
	for i := range 4 {
		own = append(own, r.connectAs(login{user: "pi1", password: "hunter-pi1", id: fmt.Sprint("id", i)}))
	}
	for i := range 8 {
		c := dial(t, r.Addr())
		c.send(login{user: "pi1", password: "guess", id: fmt.Sprint("id", i)}.bytes())
		claims = append(claims, c)
		<-judging
	}
	own = append(own, r.connectAs(login{user: "pi1", password: "hunter-pi1", id: "id5"}))
	close(verdict)
	for _, c := range claims {
		c.want(connack, 0, 5)
		c.wantClosed()
	}
	for _, c := range own {
		c.wantNothing()
	}
}

// Who comes again is let in though its own old sockets take every place that there is.
func TestBroker_connections_ownOldSockets(t *testing.T) {
	r := startPlain(t, func(c *broker.Config) { c.MaxConnections, c.MaxPerAddress = 1, 1 })
	first := r.connect("pi1")
	second := r.connect("pi1")
	first.wantClosed()
	c := dial(t, r.Addr())
	c.send(login{user: "pi2", password: "hunter-pi2"}.bytes())
	c.want(connack, 0, 3) // server unavailable
	c.wantClosed()
	second.wantNothing()
	r.wantLog(2000, `why="1 connections are open, the most allowed"`, "taken over")
}

// Both addresses of a takeover are told: one machine that connects again, or two with one name.
func TestBroker_connections_takeover(t *testing.T) {
	r := startPlain(t, nil)
	here := r.connect("pi1")
	again := r.connect("pi1")
	here.wantClosed()
	there := dialFrom(t, r.Addr(), "127.0.0.2")
	there.send(login{user: "pi1", password: "hunter-pi1"}.bytes())
	there.want(connack, 0, 0)
	again.wantClosed()
	there.wantNothing()
	both := func(level string, closed, by *client) string {
		return fmt.Sprintf("level=%s msg=%q device=pi1 client_id=pi1 closed=%s new=%s",
			level, "connection taken over by one with the same client id", closed.conn.LocalAddr(), by.conn.LocalAddr())
	}
	r.wantLog(1000, both("INFO", here, again), both("WARN", again, there))
}
