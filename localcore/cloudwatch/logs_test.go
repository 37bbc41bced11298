package cloudwatch_test

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"piway/localcore/cloudwatch"
)

const group = "/piway/metrics"

func withGroup(t testing.TB, retentionDays int) *cloudwatch.Store {
	t.Helper()
	s := cloudwatch.New()
	if err := s.CreateGroup(group, retentionDays); err != nil {
		t.Fatal(err)
	}
	return s
}

func event(age time.Duration, message string) cloudwatch.Event {
	return cloudwatch.Event{Timestamp: now.Add(-age), Message: message}
}

func refusedWith(t *testing.T, what string, err error, code, rule string) {
	t.Helper()
	e, ok := errors.AsType[*cloudwatch.LogsError](err)
	if !ok || e.Code != code || e.Rule != rule || e.Kind() != code+" ("+rule+")" ||
		!strings.HasPrefix(e.Error(), code+": ") {
		t.Errorf("%s: got %v, want %s (%s)", what, err, code, rule)
	}
}

func TestStore_CreateGroup(t *testing.T) {
	s := cloudwatch.New()
	for _, days := range []int{0, 1, 14, 30, 400, 3653} {
		if err := s.CreateGroup(fmt.Sprint("days/", days), days); err != nil {
			t.Errorf("%d days: got %v", days, err)
		}
	}
	for _, days := range []int{-1, 2, 10, 15, 366, 3654} {
		refusedWith(t, fmt.Sprint(days, " days"), s.CreateGroup("g", days), "InvalidParameterException", "retention")
	}
	for _, name := range []string{"", "a b", "a:b", "Küche", strings.Repeat("g", 513)} {
		refusedWith(t, name, s.CreateGroup(name, 14), "InvalidParameterException", "name")
	}
	refusedWith(t, "again", s.CreateGroup("days/14", 14), "ResourceAlreadyExistsException", "name")
	if all := s.Groups(); len(all) != 6 || all[0].Name != "days/0" {
		t.Errorf("got %d groups, the first %q", len(all), all[0].Name)
	}
}

// What breaks one of these rules costs the whole call.
func TestStore_PutLogEvents_refusesTheCall(t *testing.T) {
	many := func(n, size int) []cloudwatch.Event {
		list := make([]cloudwatch.Event, n)
		for i := range list {
			list[i] = event(0, strings.Repeat("x", size))
		}
		return list
	}
	const invalid = "InvalidParameterException"
	for _, tc := range []struct {
		name, rule string
		events     []cloudwatch.Event
	}{
		{"no events", "count", nil},
		{"10,001 events", "count", many(10_001, 1)},
		{"10,000 events", "", many(10_000, 1)},
		{"one byte too much", "size", append(many(1, 524_263), many(1, 524_262)...)}, // 26 more each
		{"one byte less", "", many(2, 524_262)},
		{"a large event", "event size", many(1, 1<<20-25)},
		{"a little less large event", "", many(1, 1<<20-26)},
		{"an empty message", "empty", many(2, 0)},
		{"not chronological", "order", []cloudwatch.Event{event(time.Second, "a"), event(time.Second+time.Millisecond, "b")}},
		{"at the same time", "", []cloudwatch.Event{event(time.Second, "a"), event(time.Second, "b")}},
		{"a span of more than a day", "span", []cloudwatch.Event{event(24*time.Hour+time.Millisecond, "a"), event(0, "b")}},
		{"a span of a day", "", []cloudwatch.Event{event(24*time.Hour, "a"), event(0, "b")}},
		{"before 1970", "timestamp", []cloudwatch.Event{{Timestamp: time.UnixMilli(-1), Message: "a"}}},
	} {
		s := withGroup(t, 14)
		r, err := s.PutLogEvents(now, group, tc.events)
		if tc.rule == "" {
			if err != nil || r.Accepted != len(tc.events) {
				t.Errorf("%s: got %+v, %v, want all accepted", tc.name, r, err)
			}
			continue
		}
		refusedWith(t, tc.name, err, invalid, tc.rule)
		if g := s.Groups()[0]; g.RefusedCalls != 1 || g.Kept != 0 || g.Accepted != 0 || r != (cloudwatch.Result{}) {
			t.Errorf("%s: got %+v and %+v, want a refused call and no events", tc.name, g, r)
		}
	}
	_, err := withGroup(t, 14).PutLogEvents(now, "other", many(1, 1))
	refusedWith(t, "another group", err, "ResourceNotFoundException", "group")
}

func TestStore_PutLogEvents_rejectsEvents(t *testing.T) {
	const day = 24 * time.Hour
	for _, tc := range []struct {
		name      string
		retention int
		age       time.Duration
		want      cloudwatch.Result
	}{
		{"now", 14, 0, cloudwatch.Result{Accepted: 1, Bytes: 30}},
		{"14 days", 14, 14 * day, cloudwatch.Result{Accepted: 1, Bytes: 30}},
		{"older than 14 days", 30, 14*day + time.Millisecond, cloudwatch.Result{TooOld: 1}},
		{"two hours ahead", 14, -2 * time.Hour, cloudwatch.Result{Accepted: 1, Bytes: 30}},
		{"more than that", 14, -2*time.Hour - time.Millisecond, cloudwatch.Result{TooNew: 1}},
		{"the group's retention", 3, 3 * day, cloudwatch.Result{Accepted: 1, Bytes: 30}},
		{"older than that", 3, 3*day + time.Millisecond, cloudwatch.Result{Expired: 1}},
		{"no retention", 0, 13 * day, cloudwatch.Result{Accepted: 1, Bytes: 30}},
		{"seconds for milliseconds", 14, now.Sub(time.UnixMilli(now.Unix())), cloudwatch.Result{TooOld: 1}},
	} {
		s := withGroup(t, tc.retention)
		got, err := s.PutLogEvents(now, group, []cloudwatch.Event{event(tc.age, "text")})
		if err != nil || got != tc.want {
			t.Errorf("%s: got %+v, %v, want %+v", tc.name, got, err, tc.want)
		}
		if g := s.Groups()[0]; g.Result != tc.want || g.Kept != tc.want.Accepted {
			t.Errorf("%s: the group has %+v", tc.name, g)
		}
	}
}

// The 24 hours of a call are counted over the events that are valid.
func TestStore_PutLogEvents_spanOfValidEvents(t *testing.T) {
	const day = 24 * time.Hour
	for _, tc := range []struct {
		name      string
		retention int
		ages      []time.Duration
		want      cloudwatch.Result
	}{
		{"one of 15 days first", 30, []time.Duration{15 * day, day, 0}, cloudwatch.Result{Accepted: 2, Bytes: 60, TooOld: 1}},
		{"one of 1970 first", 0, []time.Duration{now.Sub(time.Unix(1, 0)), 0}, cloudwatch.Result{Accepted: 1, Bytes: 30, TooOld: 1}},
		{"one far ahead", 14, []time.Duration{day - time.Hour, 0, -30 * day}, cloudwatch.Result{Accepted: 2, Bytes: 60, TooNew: 1}},
		{"both", 14, []time.Duration{15 * day, time.Hour, -3 * time.Hour}, cloudwatch.Result{Accepted: 1, Bytes: 30, TooOld: 1, TooNew: 1}},
		{"one past the retention", 3, []time.Duration{4 * day, day, 0}, cloudwatch.Result{Accepted: 2, Bytes: 60, Expired: 1}},
		{"none is valid", 14, []time.Duration{20 * day, 15 * day, -day}, cloudwatch.Result{TooOld: 2, TooNew: 1}},
	} {
		var events []cloudwatch.Event
		for _, age := range tc.ages {
			events = append(events, event(age, "text"))
		}
		s := withGroup(t, tc.retention)
		if got, err := s.PutLogEvents(now, group, events); err != nil || got != tc.want {
			t.Errorf("%s: got %+v, %v, want %+v", tc.name, got, err, tc.want)
		}
	}
	for name, ages := range map[string][]time.Duration{
		"valid ones":              {25 * time.Hour, 0},
		"with one rejected first": {20 * day, 26 * time.Hour, 0},
		"two hours ahead":         {23 * time.Hour, -90 * time.Minute},
	} {
		var events []cloudwatch.Event
		for _, age := range ages {
			events = append(events, event(age, "text"))
		}
		_, err := withGroup(t, 14).PutLogEvents(now, group, events)
		refusedWith(t, name, err, "InvalidParameterException", "span")
	}
}

// A bad event does not cost its neighbours, and rejected ones make no metrics.
func TestStore_PutLogEvents_neighbours(t *testing.T) {
	s := withGroup(t, 1)
	events := []cloudwatch.Event{
		event(24*time.Hour+time.Second, emf(`"a":1`, "a")), event(time.Hour, "text"),
		event(2*time.Second, emf(`"b":1`, "b")), event(2*time.Second, emf(`"c":"1"`, "c")),
		event(time.Second, `{"plain":"json"}`),
	}
	got, err := s.PutLogEvents(now, group, events)
	want := cloudwatch.Result{Expired: 1, Accepted: 4, Datums: 1, EMFValidationErrors: 1, Bytes: 4 * 26}
	for _, e := range events[1:] {
		want.Bytes += len(e.Message)
	}
	if err != nil || got != want {
		t.Errorf("got %+v, %v, want %+v", got, err, want)
	}
	if m := s.Metrics(); len(m) != 1 || m[0].Name != "b" {
		t.Errorf("metrics: got %+v, want b", m)
	}
	wantEvents := []cloudwatch.LogEvent{
		{Timestamp: now.Add(-time.Second), Message: events[4].Message, Received: now},
		{Timestamp: now.Add(-2 * time.Second), Message: events[3].Message, Received: now},
		{Timestamp: now.Add(-2 * time.Second), Message: events[2].Message, Received: now, Datums: 1},
	}
	if diff := cmp.Diff(wantEvents, s.Events(group, 3)); diff != "" {
		t.Errorf("newest events (-want +got)\n%s", diff)
	}
	if all := s.Events(group, 100); len(all) != 4 || all[3].Message != "text" {
		t.Errorf("all events: got %+v", all)
	}
	if got := s.Events("other", 1); got != nil || len(s.Events(group, -1)) != 0 {
		t.Errorf("another group: got %+v", got)
	}
}

func TestStore_PutLogEvents_isBounded(t *testing.T) {
	s := withGroup(t, 0)
	put := func(n, size int) {
		t.Helper()
		list := make([]cloudwatch.Event, n)
		for i := range list {
			list[i] = event(0, fmt.Sprintf("%05d", i)+strings.Repeat("x", size-5))
		}
		if _, err := s.PutLogEvents(now, group, list); err != nil {
			t.Fatal(err)
		}
	}
	put(cloudwatch.MaxEvents, 5)
	put(3, 5)
	if g := s.Groups()[0]; g.Kept != cloudwatch.MaxEvents || g.Forgotten != 3 || g.Accepted != cloudwatch.MaxEvents+3 {
		t.Errorf("events: got %+v", g)
	}
	if all := s.Events(group, cloudwatch.MaxEvents); all[0].Message != "00002" || all[len(all)-1].Message != "00003" {
		t.Errorf("events: got %q to %q, want the newest 2 to the oldest 3", all[0].Message, all[len(all)-1].Message)
	}
	for range cloudwatch.MaxEventBytes >> 20 {
		put(1, 1<<20-26)
	}
	if g := s.Groups()[0]; g.Kept != cloudwatch.MaxEventBytes>>20 {
		t.Errorf("bytes: got %d events, want %d of a megabyte", g.Kept, cloudwatch.MaxEventBytes>>20)
	}
	for range cloudwatch.MaxEMFErrors + 1 {
		put(1, 5)
		if _, err := s.PutLogEvents(now, group, []cloudwatch.Event{event(0, `{"_aws":1}`)}); err != nil {
			t.Fatal(err)
		}
	}
	if got := len(s.EMFErrors()); got != cloudwatch.MaxEMFErrors {
		t.Errorf("got %d errors kept, want %d", got, cloudwatch.MaxEMFErrors)
	}
	if g := s.Groups()[0]; g.EMFParsingErrors != cloudwatch.MaxEMFErrors+1 {
		t.Errorf("got %d errors counted", g.EMFParsingErrors)
	}
}
