package day_test

import "encoding/binary"

// What of SQLite's file format is needed to tell whose a page is (Database File Format, sections 1.3, 1.5 to 1.8).

// Types of b-tree pages.
const (
	innerIndex = 2
	innerTable = 5
	leafIndex  = 10
	leafTable  = 13
)

// A layout is what page 1 says of a store's file.
type layout struct {
	page, usable int
	vacuum       bool // it has pointer maps
	trunk        int  // the first page of the list of free ones, 0 for none
}

func layoutOf(first []byte) layout {
	size := int(binary.BigEndian.Uint16(first[16:]))
	if size == 1 {
		size = 65536
	}
	return layout{
		page: size, usable: size - int(first[20]),
		vacuum: binary.BigEndian.Uint32(first[52:]) != 0, trunk: number(first[32:]),
	}
}

func number(b []byte) int { return int(binary.BigEndian.Uint32(b)) }

// isMap reports whether a page is a pointer map.
func (l *layout) isMap(page int) bool {
	return l.vacuum && page >= 2 && (page-2)%(l.usable/5+1) == 0
}

func header(page int) int {
	if page == 1 {
		return 100
	}
	return 0
}

// below are the pages to which a page of a table or index points: its children, and where what did not fit goes on.
// What goes on has no type, but the number of a page, which is too small for its first byte to be one.
func (l *layout) below(page int, b []byte) (all []int) {
	head := header(page)
	kind, cells := b[head], int(binary.BigEndian.Uint16(b[head+3:]))
	at := head + 8
	switch kind {
	case innerTable, innerIndex:
		all = append(all, number(b[head+8:]))
		at += 4
	case leafTable, leafIndex:
	default:
		return []int{number(b)}
	}
	for i := range cells {
		cell := b[binary.BigEndian.Uint16(b[at+2*i:]):]
		if kind == innerTable || kind == innerIndex {
			all = append(all, number(cell))
			cell = cell[4:]
		}
		if kind != innerTable {
			all = append(all, l.overflow(kind, cell))
		}
	}
	return all
}

// overflow is where a cell goes on, 0 if all of it is there.
func (l *layout) overflow(kind byte, cell []byte) int {
	size, n := varint(cell)
	most := (l.usable-12)*64/255 - 23
	if kind == leafTable {
		_, id := varint(cell[n:])
		n += id
		most = l.usable - 35
	}
	if size <= most {
		return 0
	}
	least := (l.usable-12)*32/255 - 23
	here := least + (size-least)%(l.usable-4)
	if here > most {
		here = least
	}
	return number(cell[n+here:])
}

// varint is a number of one to nine bytes, and how many they are.
func varint(b []byte) (v, n int) {
	for n < 8 {
		v = v<<7 | int(b[n]&0x7f)
		n++
		if b[n-1] < 0x80 {
			return v, n
		}
	}
	return v<<8 | int(b[8]), 9
}
