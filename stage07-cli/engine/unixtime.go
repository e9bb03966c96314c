package engine

import (
	"fmt"
	"strconv"
	"strings"
	"time"
)

// parseUnix reads seconds since 1970 with up to nine decimals, exactly: a
// float has not enough digits for nanoseconds.
func parseUnix(text string) (time.Time, error) {
	whole, fraction, _ := strings.Cut(text, ".")
	seconds, err := strconv.ParseInt(whole, 10, 64)
	if err != nil {
		return time.Time{}, fmt.Errorf("parse time: %w", err)
	}
	if len(fraction) > 9 {
		return time.Time{}, fmt.Errorf("parse time %q: at most nine decimals", text)
	}
	nanos, err := strconv.ParseUint((fraction + "000000000")[:9], 10, 64)
	if err != nil {
		return time.Time{}, fmt.Errorf("parse time: %w", err)
	}
	return time.Unix(seconds, int64(nanos)), nil
}
