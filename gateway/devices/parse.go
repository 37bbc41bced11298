package devices

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"

	"piway/shared/pki"
	"piway/shared/sample"
)

// errEmpty is the state in which a power cut leaves a file that was not synced.
var errEmpty = errors.New("the file is empty: put a copy of it back, or delete it and add the devices again")

// parse refuses what could let somebody in by mistake.
func parse(text []byte) (file, error) {
	var f file
	if len(text) == 0 {
		return f, errEmpty
	}
	if err := json.Unmarshal(text, &f); err != nil {
		return f, err
	}
	return f, errors.Join(checkRevoked(f.RevokedKeys), checkDevices(f.Devices, f.RevokedKeys), checkInvitations(f.Invitations))
}

func checkRevoked(all []RevokedKey) error {
	for n := range all {
		k := &all[n]
		k.At = k.At.UTC()
		if k.Key == (pki.Sum{}) || !sample.IsDeviceName(k.Device) {
			return fmt.Errorf("revoked key %d: no key, or no name of a device", n+1)
		}
	}
	return nil
}

func checkDevices(all []Device, revoked []RevokedKey) error {
	names, ids, keys := map[string]bool{}, map[string]bool{}, map[pki.Sum]bool{}
	for n := range all {
		d := &all[n]
		if !sample.IsDeviceName(d.Name) || names[d.Name] {
			return fmt.Errorf("name %.80q: invalid or there twice", d.Name)
		}
		if err := d.complete(); err != nil {
			return fmt.Errorf("device %s: %w", d.Name, err)
		}
		if ids[d.ID] || keys[d.Key] {
			return fmt.Errorf("device %s: another one has its id or key", d.Name)
		}
		names[d.Name], ids[d.ID], keys[d.Key] = true, true, d.Key != pki.Sum{}
		if k, ok := revokedIn(revoked, d.Key); ok { // the mark counts
			d.Revoked, d.Key = k.At, pki.Sum{}
		}
	}
	return nil
}

func checkInvitations(all []invitation) error {
	ids := map[string]bool{}
	for n := range all {
		i := &all[n]
		i.Made = i.Made.UTC()
		if err := i.check(); err != nil {
			return fmt.Errorf("invitation %d: %w", n+1, err)
		}
		if ids[i.ID] {
			return fmt.Errorf("invitation %d: its id is there twice", n+1)
		}
		ids[i.ID] = true
	}
	return nil
}

// complete checks an entry. One of an earlier version has no id: it gets the same one whenever it is read, and may be
// plain, as it always could.
func (d *Device) complete() error {
	d.Added, d.Revoked = d.Added.UTC(), d.Revoked.UTC()
	if has := d.has(); has != 1 {
		return fmt.Errorf("it needs one of key, sha256 and revoked, and has %d", has)
	}
	switch {
	case d.SHA256 != "" && !isHex(d.SHA256, sha256.Size):
		return fmt.Errorf("sha256 is not %d hex digits", 2*sha256.Size)
	case d.ID == "" && d.SHA256 == "":
		return errors.New("it has no id")
	case d.ID == "":
		sum := sha256.Sum256([]byte("piway device " + d.Name + " " + d.SHA256)) // as random as the password
		d.ID, d.Plain = hex.EncodeToString(sum[:idSize]), true
	case !isHex(d.ID, idSize):
		return fmt.Errorf("id is not %d hex digits", 2*idSize)
	}
	return nil
}

// has counts what it has of which a device has one.
func (d *Device) has() (n int) {
	for _, it := range []bool{d.Key != pki.Sum{}, d.SHA256 != "", !d.Revoked.IsZero()} {
		if it {
			n++
		}
	}
	return n
}

// idSize is that of a device's id in bytes.
const idSize = 16

func isHex(text string, size int) bool {
	b, err := hex.DecodeString(text)
	return err == nil && len(b) == size
}

func (i *invitation) check() error {
	switch {
	case !isHex(i.ID, 6):
		return errors.New("id is not 12 hex digits")
	case !sample.IsDeviceName(i.Name):
		return fmt.Errorf("name %.80q is invalid", i.Name)
	case !isHex(i.SHA256, sha256.Size):
		return fmt.Errorf("sha256 is not %d hex digits", 2*sha256.Size)
	case i.Of != "" && !isHex(i.Of, idSize):
		return fmt.Errorf("device_id is not %d hex digits", 2*idSize)
	case i.Key != pki.Sum{} && i.Of == "":
		return errors.New("it was used, and no device_id says by which")
	}
	return nil
}
