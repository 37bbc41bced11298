package devices_test

import (
	"errors"
	"fmt"
	"maps"
	"math/rand/v2"
	"path/filepath"
	"syscall"
	"testing"
	"time"

	"piway/gateway/devices"
	"piway/shared/files/lying"
	"piway/shared/pki"
)

// Whatever fails before it, a power cut leaves each key with the standing that the calls said, each invitation as good,
// and no revoked key as an unknown one. What failed may be there or not, as a whole. At every moment memory is right.
func TestList_powerCut_keys(t *testing.T) {
	for seed := range uint64(12) {
		t.Run(fmt.Sprint("seed ", seed), func(t *testing.T) {
			rng := rand.New(rand.NewPCG(seed, 2))
			dir := t.TempDir()
			h := holders{rig: newRig(t), rng: rng, is: map[pki.Sum]holder{}, open: map[string]devices.Invited{}}
			for range 4 {
				d := lying.New(dir)
				list, err := devices.OpenIn(d, filepath.Join(dir, "devices.json"))
				if err != nil {
					t.Fatal(err)
				}
				h.List = list
				h.settle(list.Save()) // what the cut before left is what there is
				h.work(d)
				dir = t.TempDir()
				if err := d.Cut(dir, rng); err != nil {
					t.Fatal(err)
				}
				if err := d.Close(); err != nil {
					t.Fatal(err)
				}
				h.List = open(t, filepath.Join(dir, "devices.json"))
				h.check()
			}
		})
	}
}

// A holder is what a key is.
type holder struct {
	name     string
	standing devices.Standing
}

// holders are the keys of a list, and the invitations that are open, both in memory and as the disk has them for sure.
type holders struct {
	*rig

	rng    *rand.Rand
	n      byte
	is     map[pki.Sum]holder
	open   map[string]devices.Invited
	sure   map[pki.Sum]holder
	given  map[string]devices.Invited
	unsure map[string]bool // names of devices to which something happened since
}

func (h *holders) settle(err error) {
	if err == nil {
		h.sure, h.given, h.unsure = maps.Clone(h.is), maps.Clone(h.open), map[string]bool{}
	}
}

func (h *holders) work(d *lying.Disk) {
	for range 40 {
		name := string(rune('a' + h.rng.IntN(4)))
		switch h.rng.IntN(9) {
		case 0:
			bad := kinds[h.rng.IntN(len(kinds))]
			d.Fail(func(op lying.Op) error {
				if op.Kind == bad && h.rng.IntN(2) == 0 {
					return syscall.EIO
				}
				return nil
			})
		case 1:
			d.Fail(nil)
		case 2:
			h.settle(h.Save())
		case 3:
			h.lockOut(name, h.Revoke)
		case 4:
			h.lockOut(name, h.Remove)
		case 5, 6:
			h.unsure[name] = true
			made, err := h.Invite([]string{name}, h.Has(name), h.now)
			if err == nil {
				h.open[name] = made[0]
			}
			h.settle(err)
		default:
			h.takePart(name)
		}
		for key, want := range h.is {
			if name, standing := h.ByKey(key); standing != want.standing || name != want.name {
				h.t.Fatalf("key %x: got %q, %d, want %+v", key[:1], name, standing, want)
			}
		}
	}
}

func (h *holders) lockOut(name string, how func(string) error) {
	h.unsure[name] = true
	err := how(name)
	if errors.Is(err, devices.ErrUnknown) {
		return
	}
	h.revoke(name)
	delete(h.open, name)
	h.settle(err)
}

func (h *holders) revoke(name string) {
	for key, is := range h.is {
		if is.name == name {
			h.is[key] = holder{name, devices.Revoked}
		}
	}
}

func (h *holders) takePart(name string) {
	i, ok := h.open[name]
	if !ok {
		return
	}
	h.unsure[name] = true
	h.n++
	_, err := h.join(i, sum(h.n))
	if errors.Is(err, devices.ErrExpired) || errors.Is(err, devices.ErrToken) {
		h.t.Errorf("%s cannot join: %v", name, err)
	}
	if err == nil {
		h.revoke(name)
		h.is[sum(h.n)] = holder{name, devices.Known}
		delete(h.open, name)
	}
	h.settle(err)
}

// check holds the list of the next process to what was said, and goes by it from then on.
func (h *holders) check() {
	h.t.Helper()
	for key, was := range h.sure {
		name, standing := h.ByKey(key)
		if standing != was.standing && (was.standing == devices.Revoked || !h.unsure[was.name]) {
			h.t.Errorf("key %x: got %q, %d, want %+v", key[:1], name, standing, was)
		}
	}
	pending := map[string]bool{}
	for _, p := range h.Pending(h.now) {
		pending[p.Name] = true
	}
	for name, i := range h.given {
		if !h.unsure[name] && !pending[name] {
			h.t.Errorf("the invitation of %s is gone", name)
		}
		if !pending[name] {
			continue
		}
		late := h.now
		late.SinceBoot += 2 * time.Hour
		if _, err := h.Join(i.ID, i.Secret, sum(255), late); !h.unsure[name] && !errors.Is(err, devices.ErrExpired) {
			h.t.Errorf("the invitation of %s is another one: %v", name, err)
		}
	}
	h.open = map[string]devices.Invited{} // which of them are there is not known
	for _, p := range h.Pending(h.now) {
		if err := h.Remove(p.Name); err != nil {
			h.t.Fatal(err)
		}
	}
	for n := range h.n + 1 {
		if name, standing := h.ByKey(sum(n)); standing != devices.Unknown {
			h.is[sum(n)] = holder{name, standing}
		} else {
			delete(h.is, sum(n))
		}
	}
}
