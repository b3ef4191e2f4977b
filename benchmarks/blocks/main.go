// Writes Prometheus blocks of one day each, from one JSON object per line of standard input: see benchmarks/dashboards.py.
package main

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"math"
	"os"
	"strconv"
	"time"

	"github.com/go-kit/log"
	"github.com/prometheus/prometheus/model/labels"
	"github.com/prometheus/prometheus/storage"
	"github.com/prometheus/prometheus/tsdb"
)

const day = 86400

// Series is one time series: a counter that grows by Rate an hour, or (Window > 0) what it grew by in that many seconds.
type Series struct {
	Labels map[string]string
	Rate   float64
	Whole  bool  // a count, not money
	Window int64 // seconds
	Every  int64 // seconds between samples
}

func main() {
	end, err := strconv.ParseInt(os.Args[2], 10, 64)
	check(err)
	days, err := strconv.ParseInt(os.Args[3], 10, 64)
	check(err)
	var all []Series
	for lines := json.NewDecoder(bufio.NewReader(os.Stdin)); lines.More(); {
		var one Series
		check(lines.Decode(&one))
		all = append(all, one)
	}
	begin := end - days*day
	for from := begin; from < end; from += day {
		write(os.Args[1], all, begin, from)
	}
}

func write(folder string, all []Series, begin, from int64) {
	writer, err := tsdb.NewBlockWriter(log.NewNopLogger(), folder, day*1000)
	check(err)
	appender, refs := writer.Appender(context.Background()), make([]storage.SeriesRef, len(all))
	count := 0
	for at := from; at < from+day; at += 60 {
		for index, one := range all {
			if at%one.Every != 0 {
				continue
			}
			var set labels.Labels
			if refs[index] == 0 {
				set = labels.FromMap(one.Labels)
			}
			refs[index], err = appender.Append(refs[index], set, at*1000, one.value(at, begin))
			check(err)
			if count++; count%100_000 == 0 {
				check(appender.Commit())
				appender = writer.Appender(context.Background())
			}
		}
	}
	check(appender.Commit())
	_, err = writer.Flush(context.Background())
	check(err)
	check(writer.Close())
	fmt.Fprintln(os.Stderr, time.Unix(from, 0).UTC().Format(time.DateOnly))
}

func (one Series) value(at, begin int64) float64 {
	value := one.Rate * hours(at, begin)
	if one.Window > 0 {
		value -= one.Rate * hours(max(at-one.Window, begin), begin)
	}
	if one.Whole {
		return math.Floor(value)
	}
	return value
}

// hours that have passed, more at noon than at midnight
func hours(at, begin int64) float64 {
	passed := float64(at-begin) / 3600
	return passed + 3*math.Sin(passed*2*math.Pi/24)
}

func check(err error) {
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}
