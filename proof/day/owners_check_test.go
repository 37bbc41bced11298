package day_test

import (
	"database/sql"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"piway/gateway/cloud"
)

// What the pages are taken for is what SQLite itself says of them, with pages of any size.
func TestOwners(t *testing.T) {
	t.Parallel()
	for _, size := range []int{0, 512, 1024} {
		t.Run(fmt.Sprint(size), func(t *testing.T) {
			t.Parallel()
			p := newPlace(t, size)
			r := p.measure(t, cloud.Metric, agents(10), 5*time.Minute)
			if size > 0 && r.page != size {
				t.Errorf("pages of %d bytes, want %d", r.page, size)
			}
			p.compare(t)
			for _, s := range r.reasons {
				if s.log < 0 || s.moved < 0 {
					t.Errorf("less than nothing was written: %+v", r.reasons)
				}
			}
		})
	}
}

// compare asks SQLite of each page, after the gateway has ended.
func (p *place) compare(t *testing.T) {
	t.Helper()
	db, err := sql.Open("sqlite", p.store())
	if err != nil {
		t.Fatal(err)
	}
	rows, err := db.QueryContext(t.Context(), "SELECT name, pageno, pagetype FROM dbstat")
	if err != nil {
		t.Fatal(err)
	}
	overflows := 0
	for rows.Next() {
		var name, kind string
		var page int
		if err := rows.Scan(&name, &page, &kind); err != nil {
			t.Fatal(err)
		}
		want := map[string]string{"leaf": name, "internal": name + innerPages, "overflow": name + overflow}[kind]
		if page == 1 {
			want = firstPage
		}
		if got := p.counter.owns.owner(page); got != want && !strings.HasPrefix(name, "sqlite_") {
			t.Errorf("page %d: got %q, want %q", page, got, want)
		}
		if kind == "overflow" {
			overflows++
		}
	}
	if err := errors.Join(rows.Err(), rows.Close(), db.Close()); err != nil {
		t.Fatal(err)
	}
	t.Logf("%d pages overflow", overflows)
}
