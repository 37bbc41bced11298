package page

import (
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"
)

func TestTiles(t *testing.T) {
	for _, tt := range []struct {
		name string
		view View
		want tile
	}{
		{
			"data comes",
			View{Metrics: []Metric{{}, {Arrived: noon.Add(-5 * time.Minute)}}},
			tile{"Data", "2 metrics", "newest datapoint 5 min ago", "#metrics", toneOK},
		},
		{
			"data came",
			View{Metrics: []Metric{{Arrived: noon.Add(-6 * time.Minute)}}},
			tile{"Data", "1 metric", "silent for 6 min", "#metrics", toneWarn},
		},
		{
			"two clients",
			View{Connections: []Connection{{Client: "a"}, {Client: "b"}}},
			tile{"Connected", "2 clients", "a, and 1 more", "#connections", toneOK},
		},
		{
			"one gateway",
			View{Connections: []Connection{{Client: "piway-gateway"}, {Client: "piway-gateway-feedback"}}},
			tile{"Connected", "1 client", "piway-gateway; 2 connections", "#connections", toneOK},
		},
		{
			"two gateways, one checking",
			View{Connections: []Connection{{Client: "a-feedback"}, {Client: "a"}, {Client: "b-check"}, {Client: "b"}, {Client: "b-feedback"}}},
			tile{"Connected", "2 clients", "a, and 1 more; 5 connections", "#connections", toneOK},
		},
		{
			"a check alone",
			View{Connections: []Connection{{Client: "gw-check"}}},
			tile{"Connected", "1 client", "gw-check", "#connections", toneOK},
		},
		{
			"canary",
			View{Rules: []Rule{{TopicMatch: 3, Canary: 2, ErrorActionSuccess: 2}}},
			tile{"Failed", "0", "everything that matched was delivered; canary refused, as it should be", "#failures", toneOK},
		},
		{
			"canary and more",
			View{Rules: []Rule{{TopicMatch: 3, Failure: 1, Canary: 2}}},
			tile{"Failed", "1", "failed actions: 1", "#failures", toneBad},
		},
		{
			"all delivered",
			View{Rules: []Rule{{TopicMatch: 1}}},
			tile{"Failed", "0", "everything that matched was delivered", "#failures", toneOK},
		},
		{"no match", View{Rules: []Rule{{}}}, tile{"Failed", "0", "no message has matched a rule yet", "#failures", ""}},
		{
			"failures",
			View{Rules: []Rule{{Failure: 1000}, {ParseError: 1, Failure: 1}}, RuleNotFound: 2, NotSelected: 3},
			tile{
				"Failed", "1,007", "failed actions: 1,001, SQL errors: 1, RuleNotFound: 2, NotSelected: 3", "#failures",
				toneBad,
			},
		},
		{
			"harmless counter",
			View{Counters: []Counter{{Name: "Takeovers", Value: 3}}},
			tile{"Refused or lost", "0", "nothing", "#counters", toneOK},
		},
		{
			"bad counter",
			View{Counters: []Counter{{Name: "Oversize", Value: 3, Bad: true}}},
			tile{"Refused or lost", "3", "Oversize: 3", "#counters", toneBad},
		},
		{
			"quota near",
			View{Quotas: []Quota{{Name: "a", Seen: 1, Limit: 10}, {Name: "b", Seen: 99.9, Limit: 100}}},
			tile{"Quotas", "none hit", "highest: b, 99 %", "#quotas", toneOK},
		},
		{
			"quota hit",
			View{Quotas: []Quota{{Name: "a", Seen: 100, Limit: 100}, {Name: "b", Seen: 5}}},
			tile{"Quotas", "1 hit", "highest: a, 100 %", "#quotas", toneBad},
		},
		{
			"bill",
			View{Bill: Bill{Lines: []BillLine{{Month: 1, MonthFree: 0.5}, {Month: 2.25}}, Covered: 90 * time.Minute}},
			tile{"Would cost", "$3.25", "a month, as in the last 90 min; $0.50 with the free tier", "#bill", ""},
		},
		{
			"fault",
			View{Faults: []Fault{{Name: "cut", Until: noon.Add(9 * time.Second)}}},
			tile{"Fault", "cut", "for 9 s more", "#faults", toneBad},
		},
	} {
		t.Run(tt.name, func(t *testing.T) {
			s := &screen{View: tt.view, ask: Ask{To: noon}, choices: choices{zone: time.UTC}}
			for _, got := range s.tiles() {
				if got.Title == tt.want.Title {
					if diff := cmp.Diff(tt.want, got); diff != "" {
						t.Errorf("tile (-want +got):\n%s", diff)
					}
					return
				}
			}
			t.Errorf("there is no tile %s", tt.want.Title)
		})
	}
}

func TestFaults_active(t *testing.T) {
	s := &screen{ask: Ask{To: noon}, View: View{Faults: []Fault{{Name: "a/../b?"}, {Until: noon}, {Until: noon.Add(1)}}}}
	got := s.Faults()
	if got[0].Active || got[1].Active || !got[2].Active {
		t.Errorf("got %+v, want only the last one active", got)
	}
	if want := "/faults/a%2F..%2Fb%3F"; got[0].Action != want {
		t.Errorf("got action %q, want %q", got[0].Action, want)
	}
}

func TestShorten(t *testing.T) {
	for most := range 8 {
		if got := shorten("aäöü€", most); !utf8.ValidString(got) || !strings.Contains(got, " … (10 bytes in all)") {
			t.Errorf("%d bytes: got %q", most, got)
		}
	}
	if got := shorten("aäöü€", 10); got != "aäöü€" {
		t.Errorf("10 bytes: got %q, want all of it", got)
	}
}

func TestStamp(t *testing.T) {
	for at, want := range map[time.Time]stamp{
		{}:                               {},
		noon.Add(-90 * time.Second):      {"2026-01-05T12:01:50Z", "12:01:50", "90 s ago"},
		noon.Add(-13 * time.Hour):        {"2026-01-04T23:03:20Z", "4 Jan 23:03:20", "13 h ago"},
		noon.Add(-14 * day):              {"2025-12-22T12:03:20Z", "22 Dec 2025 12:03:20", "14 d ago"},
		noon.Add(2 * time.Hour):          {"2026-01-05T14:03:20Z", "14:03:20", "in 2 h"},
		noon.Add(500 * time.Millisecond): {"2026-01-05T12:03:20Z", "12:03:20", "0 s ago"},
	} {
		if got := (choices{zone: time.UTC}).stamp(noon, at); got != want {
			t.Errorf("%v: got %+v, want %+v", at, got, want)
		}
	}
}
