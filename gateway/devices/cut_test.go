package devices_test

import (
	"fmt"
	"math/rand/v2"
	"path/filepath"
	"syscall"
	"testing"

	"piway/gateway/devices"
	"piway/shared/files/lying"
)

// Whatever fails before it, a power cut leaves a list of all that were added, with their passwords, and of none that
// was removed, as far as the calls said so. At every moment memory is right.
func TestList_powerCut(t *testing.T) {
	for seed := range uint64(12) {
		t.Run(fmt.Sprint("seed ", seed), func(t *testing.T) {
			rng := rand.New(rand.NewPCG(seed, 1))
			dir := t.TempDir()
			for range 4 {
				d := lying.New(dir)
				m := members{t: t, rng: rng, sure: map[string]string{}}
				list, err := devices.OpenIn(d, filepath.Join(dir, "devices.json"))
				if err != nil {
					t.Fatal(err)
				}
				m.work(list, d)
				dir = t.TempDir()
				if err := d.Cut(dir, rng); err != nil {
					t.Fatal(err)
				}
				if err := d.Close(); err != nil {
					t.Fatal(err)
				}
				m.check(open(t, filepath.Join(dir, "devices.json")))
			}
		})
	}
}

// members are the devices of which a list said what became of them.
type members struct {
	t    *testing.T
	rng  *rand.Rand
	sure map[string]string // name to password; "" for who must not be there
}

var kinds = []string{lying.Open, lying.Write, lying.Sync, lying.Rename, lying.SyncDir}

func (m *members) work(l *devices.List, d *lying.Disk) {
	for range 40 {
		name := string(rune('a' + m.rng.IntN(6)))
		switch m.rng.IntN(8) {
		case 0:
			bad := kinds[m.rng.IntN(len(kinds))]
			d.Fail(func(op lying.Op) error {
				if op.Kind == bad && m.rng.IntN(2) == 0 {
					return syscall.EIO
				}
				return nil
			})
		case 1:
			d.Fail(nil)
		case 2:
			if l.Save() == nil { // nothing is open any more
				for name, password := range m.sure {
					if password == unsure {
						m.sure[name] = ""
					}
				}
			}
		case 3, 4:
			m.remove(l, name)
		default:
			m.add(l, name)
		}
		for name, password := range m.sure {
			if there := password != "" && password != unsure; l.Has(name) != there {
				m.t.Errorf("%s is let in: %v, want %v", name, !there, there)
			}
		}
	}
}

// unsure stands for the password of who is not let in, and may be on the list after a power cut.
const unsure = "unsure"

func (m *members) add(l *devices.List, name string) {
	if l.Has(name) {
		return
	}
	password, err := l.Add(name, false)
	if err != nil {
		m.sure[name] = unsure
		return
	}
	m.sure[name] = password
}

func (m *members) remove(l *devices.List, name string) {
	if !l.Has(name) {
		return
	}
	if err := l.Remove(name); err != nil {
		m.sure[name] = unsure
		return
	}
	m.sure[name] = ""
}

// check holds the list of the next process to what was said.
func (m *members) check(l *devices.List) {
	m.t.Helper()
	for name, password := range m.sure {
		switch {
		case password == unsure:
		case password == "" && l.Has(name):
			m.t.Errorf("%s was removed, and is back", name)
		case password != "" && !l.Authenticate(name, password, true):
			m.t.Errorf("%s was added, and is not let in", name)
		}
	}
}
