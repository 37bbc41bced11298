package ledger

// An Account is what became of one device's samples. All are counts of samples.
type Account struct {
	Device    string           `json:"device"`
	Received  int64            `json:"received"`
	Refused   map[string]int64 `json:"refused,omitempty"` // by reason
	Duplicate int64            `json:"duplicate"`
	Local     int64            `json:"local"` // shown, and not stored nor sent
	Stored    int64            `json:"stored"`
	Waiting   int64            `json:"waiting"`
	Sent      int64            `json:"sent"`
	Expired   map[string]int64 `json:"expired,omitempty"` // by reason
	Dropped   map[string]int64 `json:"dropped,omitempty"` // by reason

	// Booked says that Waiting follows from the other figures: so many reports wait that counting them takes long. Else it
	// is counted, and an independent check of them.
	Booked bool `json:"booked,omitempty"`

	// Missing are reports that never arrived, by the gaps in their runs' numbers; Late those that may still come,
	// since an agent may hold them. Both are reports, and not a part of the other figures, which are samples.
	Missing int64 `json:"missing_reports"`
	Late    int64 `json:"late_reports"`

	// Twins are reports by which it showed that two machines speak under the device's name; they are counted beside the
	// other figures.
	Twins int64 `json:"twins"`

	// Shifted is the part of Stored of which the sender's clock was wrong by so much that their times were corrected.
	Shifted int64 `json:"shifted"`

	// Parked is the part of Waiting that AWS does not let through, RefusedByCloud the part of Sent that AWS
	// acknowledged and then could not write, as its rule reported; both by reason.
	Parked         map[string]int64 `json:"parked,omitempty"`
	RefusedByCloud map[string]int64 `json:"refused_by_cloud,omitempty"`
}

// Difference is zero twice when the account balances: received less what became of it on arrival, and stored less what
// became of that.
func (a *Account) Difference() (arrival, store int64) {
	return a.Received - total(a.Refused) - a.Duplicate - a.Local - a.Stored,
		a.Stored - a.Waiting - a.Sent - total(a.Expired) - total(a.Dropped)
}

// Book has Waiting follow from the other figures.
func (a *Account) Book() {
	a.Booked, a.Waiting = true, 0
	_, a.Waiting = a.Difference()
}

// Totals returns the sums of what is kept by reason.
func (a *Account) Totals() (refused, expired, dropped int64) {
	return total(a.Refused), total(a.Expired), total(a.Dropped)
}

func total(by map[string]int64) (n int64) {
	for _, m := range by {
		n += m
	}
	return n
}

// Set makes n the figure of an outcome, for one reason where it has reasons.
func (a *Account) Set(outcome, reason string, n int64) {
	if by := map[string]map[string]int64{
		Refused: a.Refused, Expired: a.Expired, Dropped: a.Dropped, Parked: a.Parked, RefusedByCloud: a.RefusedByCloud,
	}[outcome]; by != nil {
		by[reason] = n
	}
	if one := map[string]*int64{
		Received: &a.Received, Duplicate: &a.Duplicate, Local: &a.Local, Stored: &a.Stored, Sent: &a.Sent, Missing: &a.Missing,
		Shifted: &a.Shifted, Twins: &a.Twins,
	}[outcome]; one != nil {
		*one = n
	}
}

// AddLate counts more reports that may still come. It saturates at Max.
func (a *Account) AddLate(n int64) { a.Late = saturated(a.Late, n) }

// Add adds another account's figures to a. Those of reports saturate at Max.
func (a *Account) Add(b *Account) {
	a.Received += b.Received
	a.Duplicate += b.Duplicate
	a.Local += b.Local
	a.Stored += b.Stored
	a.Waiting += b.Waiting
	a.Booked = a.Booked || b.Booked
	a.Sent += b.Sent
	a.Missing = saturated(a.Missing, b.Missing)
	a.AddLate(b.Late)
	a.Twins = saturated(a.Twins, b.Twins)
	a.Shifted += b.Shifted
	addReasons(&a.Refused, b.Refused)
	addReasons(&a.Expired, b.Expired)
	addReasons(&a.Dropped, b.Dropped)
	addReasons(&a.Parked, b.Parked)
	addReasons(&a.RefusedByCloud, b.RefusedByCloud)
}

func addReasons(to *map[string]int64, from map[string]int64) {
	if *to == nil {
		*to = map[string]int64{}
	}
	for reason, n := range from {
		(*to)[reason] += n
	}
}
