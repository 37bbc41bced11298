package storage

import (
	"context"
	"errors"
	"path/filepath"
	"strconv"
	"strings"

	"piway/agent/collect/host"
	"piway/agent/collect/reading"
)

// EMMCWear reads how worn the eMMCs are, by what they say themselves; the worst counts. An SD card says nothing.
func EMMCWear(ctx context.Context, out *reading.Found) error {
	worn, warning := 0, 0
	var fault error
	for _, dir := range mmcs(ctx) {
		n, err := emmcFile(dir, "life_time", 11)
		fault, worn = reading.Worse(fault, err), max(worn, n)
		n, err = emmcFile(dir, "pre_eol_info", 3)
		fault, warning = reading.Worse(fault, err), max(warning, n)
	}
	if worn > 0 {
		out.Add("emmc wear", "Percent", float64(10*worn))
	}
	if warning > 0 {
		out.Add("emmc warning", "None", float64(warning))
	}
	if worn+warning == 0 && fault == nil {
		return host.ErrAbsent
	}
	return fault
}

// emmcFile returns the highest number of a file, 0 if it is missing or says nothing.
func emmcFile(dir, name string, most int) (int, error) {
	text, err := host.ReadText(filepath.Join(dir, name))
	switch {
	case errors.Is(err, host.ErrAbsent):
		return 0, nil
	case err != nil:
		return 0, err
	}
	n, err := parseEMMC(text, most)
	if err != nil {
		return 0, errors.New(name + " is " + host.Clip(text) + ": " + err.Error())
	}
	return n, nil
}

// parseEMMC returns the highest of one or two hexadecimal numbers. 0 is "not defined" (JEDEC 84-B51, EXT_CSD 267 to
// 269): life time in steps of 10 %, 1 for the first and 11 for more than all, and how much of the spare blocks is used,
// 1 normal, 2 for 80 %, 3 urgent.
func parseEMMC(text string, most int) (int, error) {
	fields := strings.Fields(text)
	if len(fields) < 1 || len(fields) > 2 {
		return 0, errors.New("want one or two numbers")
	}
	highest := 0
	for _, f := range fields {
		n, err := strconv.ParseUint(strings.TrimPrefix(f, "0x"), 16, 8)
		if err != nil || int(n) > most {
			return 0, errors.New("want 0x00 to 0x" + strconv.FormatInt(int64(most), 16))
		}
		highest = max(highest, int(n))
	}
	return highest, nil
}

// mmcs returns the folders of the SD cards and eMMCs, without their boot areas.
func mmcs(ctx context.Context) (dirs []string) {
	blocks := host.Sys(ctx, "block")
	names, _ := host.Entries(blocks, "mmcblk") // none is no fault
	for _, name := range names {
		if strings.Trim(strings.TrimPrefix(name, "mmcblk"), "0123456789") == "" {
			dirs = append(dirs, filepath.Join(blocks, name, "device"))
		}
	}
	return dirs
}
