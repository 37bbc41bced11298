package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
)

// A Reader is what reads a store: a Conn, or all connections, or a transaction of one.
type Reader interface {
	QueryContext(ctx context.Context, text string, args ...any) (*sql.Rows, error)
	QueryRowContext(ctx context.Context, text string, args ...any) *sql.Row
}

// A Conn is the connection that writes. It prepares each statement once and keeps it, so a statement's text is a
// constant. One goroutine uses it at a time.
type Conn struct {
	// PageSize is that of the file, in bytes: a file of an earlier version may have larger pages.
	PageSize int64

	conn     *sql.Conn
	prepared map[string]*sql.Stmt
}

// NewConn takes a connection out of those of db.
func NewConn(ctx context.Context, db *sql.DB) (*Conn, error) {
	conn, err := db.Conn(context.WithoutCancel(ctx)) // a statement that is cut short costs its connection
	if err != nil {
		return nil, err
	}
	c := &Conn{conn: conn, prepared: map[string]*sql.Stmt{}}
	if err := conn.QueryRowContext(ctx, "PRAGMA page_size").Scan(&c.PageSize); err != nil {
		return nil, errors.Join(fmt.Errorf("reading the page size: %w", err), conn.Close())
	}
	return c, nil
}

// Close gives the connection back. It closes the statements too: SQLite keeps the file open for each.
func (c *Conn) Close() (err error) {
	for _, s := range c.prepared {
		err = errors.Join(err, s.Close())
	}
	return errors.Join(err, c.conn.Close())
}

func (c *Conn) prepare(ctx context.Context, text string) (*sql.Stmt, error) {
	s := c.prepared[text]
	if s != nil {
		return s, nil
	}
	s, err := c.conn.PrepareContext(ctx, text)
	if err == nil {
		c.prepared[text] = s
	}
	return s, err
}

// ExecContext is that of sql.Conn.
func (c *Conn) ExecContext(ctx context.Context, text string, args ...any) (sql.Result, error) {
	s, err := c.prepare(ctx, text)
	if err != nil {
		return nil, err
	}
	return s.ExecContext(ctx, args...)
}

// QueryContext is that of sql.Conn.
func (c *Conn) QueryContext(ctx context.Context, text string, args ...any) (*sql.Rows, error) {
	s, err := c.prepare(ctx, text)
	if err != nil {
		return nil, err
	}
	return s.QueryContext(ctx, args...)
}

// QueryRowContext is that of sql.Conn.
func (c *Conn) QueryRowContext(ctx context.Context, text string, args ...any) *sql.Row {
	s, err := c.prepare(ctx, text)
	if err != nil {
		return c.conn.QueryRowContext(ctx, text, args...) // which has the same error
	}
	return s.QueryRowContext(ctx, args...)
}

// Raw is the connection itself, for what is not to be kept: a PRAGMA may do its work when it is prepared.
func (c *Conn) Raw() *sql.Conn { return c.conn }

// ErrEnough is returned by a function that Each calls and that needs no more rows.
var ErrEnough = errors.New("enough rows")

// Each calls f with each row of a query, read into the variables that into points to, and closes the query. It ends at
// the first error, and without one at ErrEnough; queryErr is that of the query itself.
func Each(rows *sql.Rows, queryErr error, f func() error, into ...any) error {
	if queryErr != nil {
		return queryErr
	}
	defer func() { _ = rows.Close() }() // rows.Err tells
	for rows.Next() {
		if err := rows.Scan(into...); err != nil {
			return err
		}
		switch err := f(); {
		case errors.Is(err, ErrEnough):
			return nil
		case err != nil:
			return err
		}
	}
	return rows.Err()
}

// Changed reports whether a statement changed any row.
func Changed(r sql.Result, err error) (bool, error) {
	if err != nil {
		return false, err
	}
	n, err := r.RowsAffected()
	return n > 0, err
}
