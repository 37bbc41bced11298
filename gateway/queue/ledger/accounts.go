package ledger

import (
	"cmp"
	"fmt"
	"slices"
)

// Accounts are those of all devices, by name.
type Accounts map[string]*Account

// Of returns a device's account, an empty one where it had none.
func (by Accounts) Of(device string) *Account {
	a := by[device]
	if a == nil {
		a = &Account{
			Device: device, Refused: map[string]int64{}, Expired: map[string]int64{}, Dropped: map[string]int64{},
			Parked: map[string]int64{}, RefusedByCloud: map[string]int64{},
		}
		by[device] = a
	}
	return a
}

// Sorted returns them in the order of their names.
func (by Accounts) Sorted() []Account {
	all := make([]Account, 0, len(by))
	for _, a := range by {
		all = append(all, *a)
	}
	slices.SortFunc(all, func(a, b Account) int { return cmp.Compare(a.Device, b.Device) })
	return all
}

// Sum makes one account of all, without a device's name.
func Sum(accounts []Account) (sum Account) {
	for i := range accounts {
		sum.Add(&accounts[i])
	}
	return sum
}

// Balance returns an error that names the first device that does not balance, and by how much.
func Balance(accounts []Account) error {
	for i := range accounts {
		if arrival, store := accounts[i].Difference(); arrival != 0 || store != 0 {
			return fmt.Errorf("the ledger does not balance: %s, %d samples on arrival and %d in the store",
				accounts[i].Device, arrival, store)
		}
	}
	return nil
}
