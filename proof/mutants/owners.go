package main

// ofOwners are of whose the files are, and of what a check is worth.
var ofOwners = []mutant{
	{
		"files: a careful umask of root's keeps the service out", "shared/files/owner.go",
		"	if err := f.Chmod(perm); err != nil {\n		_, _ = f.Close(), os.Remove(name)", "	if err := f.Chmod(0o600); err != nil {\n		_, _ = f.Close(), os.Remove(name)",
		"./proof/owner", "TestOwner_restore",
	},
	{
		"check: something FAILS, and the status is 0", "agent/check.go",
		"	if p.failed > 0 {", "	if p.failed < 0 {",
		"./agent", "TestCheck_status",
	},
	{
		"agent: two of them have one spool", "agent/spool/disk.go",
		"			s.disk.taken = err\n", "			_ = len(s.segments)\n",
		"./agent/spool", "TestSpool_locked",
	},
	{
		"check: judges as root what the service reads", "shared/runas/runas.go",
		"Setsid: true, Credential: &syscall.Credential{Uid: u.UID, Gid: u.GID, Groups: u.Groups},", "Setsid: true,",
		"./shared/runas", "TestAgain",
	},
}
