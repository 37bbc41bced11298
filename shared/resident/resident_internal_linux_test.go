package resident

import (
	"fmt"
	"os"
	"reflect"
	"strings"
	"testing"
)

// amounts are those of a mapping in smaps.
func amounts(anonymous, locked int) string {
	return fmt.Sprintf("Size:               5380 kB\nRss:                3008 kB\nPrivate_Dirty:       100 kB\n"+
		"Anonymous:      %8d kB\nLocked:         %8d kB\nVmFlags: rd ex mr mw me\n", anonymous, locked)
}

func TestUnchanged(t *testing.T) {
	t.Parallel()
	const exe = "/usr/bin/piway agent (deleted)"
	smaps := strings.Join([]string{
		"00400000-00941000 r-xp 00000000 fe:00 99 " + exe + "\n", amounts(0, 0), // its code; not written to the disk yet
		"00941000-00eae000 r--p 00541000 fe:00 99 " + exe + "\n", amounts(0, 0),
		"00eae000-00f11000 rw-p 00aae000 fe:00 99 " + exe + "\n", amounts(0, 0), // variables that nobody wrote yet
		"00f11000-00f12000 r--p 00b00000 fe:00 99 " + exe + "\n", amounts(4, 0), // a linker wrote addresses
		"00f12000-00f13000 r-xp 00b01000 fe:00 99 " + exe + "\n", amounts(0, 4),
		"00f13000-00f14000 r--p 00000000 fe:00 98 /usr/lib/another\n", amounts(0, 0),
		"c000000000-c000400000 rw-p 00000000 00:00 0 \n", amounts(400, 0),
		"7ffd1000-7ffd3000 r-xp 00000000 00:00 0 [vdso]\n", amounts(0, 0),
	}, "")
	want := []mapping{{0x400000, 0x941000}, {0x941000, 0xeae000}}
	if got := unchanged(smaps, exe); !reflect.DeepEqual(got, want) {
		t.Errorf("got %x, want %x", got, want)
	}
	for _, text := range []string{"", "\n", "x-y r-xp 0 0 0 " + exe + "\n", "2-1 r-xp 0 0 0 " + exe + "\n", "Anonymous: 4 kB\n"} {
		if got := unchanged(text, exe); len(got) > 0 {
			t.Errorf("%q: got %x, want none", text, got)
		}
	}
}

// What was let go is there again when it is needed.
func TestRelease(t *testing.T) {
	t.Parallel()
	exe, err := os.Readlink("/proc/self/exe")
	if err != nil {
		t.Skip("needs /proc: ", err)
	}
	text, err := os.ReadFile("/proc/self/smaps")
	if err != nil {
		t.Skip("needs /proc: ", err)
	}
	if len(unchanged(string(text), exe)) == 0 {
		t.Error("got no mappings of this program, want its code at least")
	}
	Release()
}
