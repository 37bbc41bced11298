package devices

// Text is the list as it goes into the file, whether the disk has it so or not: what this process goes by.
func (l *List) Text() ([]byte, error) {
	l.mu.RLock()
	defer l.mu.RUnlock()
	return l.encode()
}

// Check returns why text is not a list that Open would take, nil if it is.
func Check(text []byte) error {
	_, err := parse(text)
	return err
}
