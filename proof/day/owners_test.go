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

// What is said of a page beside whose it is.
const (
	innerPages = ", inner pages"
	overflow   = ", overflow"
)

// owners know what each page of the store is for. They follow what is written, commit by commit.
type owners struct {
	layout
	pages map[int][]byte // as they were written last
	of    map[int]string // pages of tables and indexes
}

// newOwners reads a store that nobody has open.
func newOwners(t testing.TB, path string) *owners {
	t.Helper()
	o := &owners{pages: map[int][]byte{}, of: map[int]string{}}
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
	for range depth {
		changed := false
		for page, b := range written {
			changed = o.pass(page, b) || changed
		}
		if !changed {
			break
		}
	}
	for page := o.trunk; page != 0 && o.pages[page] != nil; page = number(o.pages[page]) {
		o.of[page] = freeList
	}
}

// depth is more than a tree has, with what goes on elsewhere.
const depth = 20

// pass gives the pages below a page to its owner, and reports whether any was another's.
func (o *owners) pass(page int, b []byte) (changed bool) {
	owner := o.of[page]
	if owner == "" || owner == freeList || o.isMap(page) {
		return false
	}
	for _, p := range o.below(page, b) {
		if p != 0 && o.of[p] != owner {
			o.of[p], changed = owner, true
		}
	}
	return changed
}

// owner is what a page is for.
func (o *owners) owner(page int) string {
	of := o.of[page]
	switch {
	case o.isMap(page):
		return pointerMap
	case of == "":
		return unknown
	case of == freeList, page == 1:
		return of
	}
	switch o.pages[page][header(page)] {
	case innerIndex, innerTable:
		return of + innerPages
	case leafIndex, leafTable:
		return of
	default:
		return of + overflow
	}
}
