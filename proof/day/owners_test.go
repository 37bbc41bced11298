package day_test

import (
	"database/sql"
	"errors"
	"maps"
	"os"
	"testing"
)

// Owners that are no table or index.
const (
	firstPage  = "page 1"
	pointerMap = "pointer map"
	freeList   = "free list"
	unknown    = "unknown"
)

// owners know what each page of the store is for. They follow what is written, commit by commit.
type owners struct {
	layout
	pages map[int][]byte // as they were written last
	of    map[int]string // pages of tables and indexes
	more  map[int]bool   // of these, those that hold what did not fit into a cell
}

// newOwners reads a store that nobody has open.
func newOwners(t testing.TB, path string) *owners {
	t.Helper()
	o := &owners{pages: map[int][]byte{}, of: map[int]string{}, more: map[int]bool{}}
	db, err := sql.Open("sqlite", path) // the driver is the store's
	if err != nil {
		t.Fatal(err)
	}
	rows, err := db.QueryContext(t.Context(), "SELECT name, rootpage FROM sqlite_schema WHERE rootpage > 0")
	if err != nil {
		t.Fatal(err)
	}
	for rows.Next() {
		var name string
		var root int
		if err := rows.Scan(&name, &root); err != nil {
			t.Fatal(err)
		}
		o.of[root] = name
	}
	if err := errors.Join(rows.Err(), rows.Close(), db.Close()); err != nil {
		t.Fatal(err)
	}
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	o.of[1] = firstPage
	size := layoutOf(text).page
	written := map[int][]byte{}
	for page := 1; page*size <= len(text); page++ {
		written[page] = text[(page-1)*size : page*size]
	}
	o.commit(written)
	return o
}

// commit takes the pages that one transaction wrote. A page that changes hands is pointed to from another place than
// before, and that place is written with it.
func (o *owners) commit(written map[int][]byte) {
	maps.Copy(o.pages, written)
	o.layout = layoutOf(o.pages[1])
	for changed := true; changed; {
		changed = false
		for page, b := range written {
			if o.pass(page, b) {
				changed = true
			}
		}
	}
	for page := o.trunk; page != 0 && o.pages[page] != nil; page = number(o.pages[page]) {
		o.of[page] = freeList
	}
}

// pass gives the pages below a page to its owner, and reports whether any was another's.
func (o *owners) pass(page int, b []byte) (changed bool) {
	owner := o.of[page]
	if owner == "" || owner == freeList || o.isMap(page) {
		return false
	}
	var children, overflows []int
	if o.more[page] {
		overflows = []int{number(b)}
	} else {
		children, overflows = o.below(page, b)
	}
	for i, all := range [][]int{children, overflows} {
		for _, p := range all {
			if p != 0 && (o.of[p] != owner || o.more[p] != (i == 1)) {
				o.of[p], o.more[p], changed = owner, i == 1, true
			}
		}
	}
	return changed
}

// owner is what a page is for.
func (o *owners) owner(page int) string {
	switch of := o.of[page]; {
	case o.isMap(page):
		return pointerMap
	case of == "":
		return unknown
	case of == freeList, page == 1:
		return of
	case o.more[page]:
		return of + ", overflow"
	case isInner(page, o.pages[page]):
		return of + ", inner pages"
	default:
		return of
	}
}
