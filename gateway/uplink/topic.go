package uplink

// An earlier version published to another topic, and a policy that was made for it allows no other. AWS acknowledges
// what is published there whether or not a rule takes it, so the uplink does not go there by itself: somebody who has
// seen a rule answer there says so.

// UseFormer says whether messages go to Config.Former, from the next connection on. It lasts until AWS denies that
// topic. Whoever calls it must know that a rule takes what is published there. It is safe to call at any time.
func (u *Uplink) UseFormer(yes bool) { u.former.Store(yes && u.cfg.Former != "") }

// chooseTopic is asked once a connection: an examination must not change its topic half-way.
func (u *Uplink) chooseTopic() string {
	if u.former.Load() {
		return u.cfg.Former
	}
	return u.cfg.Topic
}

// changesTopic says whether the next connection publishes elsewhere than this one, on which everything is denied: away
// from the former topic, since the policy was renewed, or to it.
func (u *Uplink) changesTopic() bool {
	if u.topic == u.cfg.Former {
		u.former.Store(false)
	}
	return u.topic != u.chooseTopic()
}
