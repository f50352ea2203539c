package main

import (
	"bytes"
	"context"
	"maps"
	"os"
	"slices"
	"strings"

	"github.com/descent-ml/descent/dataset"
	"github.com/spf13/cobra"
)

func (a *app) completionCommand() *cobra.Command {
	shells := []string{"bash", "zsh", "fish", "powershell"}
	return &cobra.Command{
		Use:   "completion SHELL",
		Short: "completion for bash, zsh, fish or powershell",
		Long: `Completion writes a script that makes your shell complete commands, flags, values, and the column names of the file that is named already:
descent train heart.csv --target <TAB>. In bash it works with and without the package bash-completion.`,
		Example: `  source <(descent completion bash)          # in ~/.bashrc, for every shell
  descent completion zsh > "${fpath[1]}/_descent"
  descent completion fish > ~/.config/fish/completions/descent.fish`,
		Args:      exactly("SHELL"),
		ValidArgs: shells,
		RunE: func(cmd *cobra.Command, args []string) error {
			var b bytes.Buffer
			var err error
			root := cmd.Root()
			switch args[0] {
			case "bash":
				if err = root.GenBashCompletionV2(&b, true); err == nil {
					b = *bytes.NewBuffer(bareBash(b.Bytes()))
				}
			case "zsh":
				err = root.GenZshCompletion(&b)
			case "fish":
				err = root.GenFishCompletion(&b, true)
			case "powershell":
				err = root.GenPowerShellCompletionWithDesc(&b)
			default:
				hint := ""
				if near, ok := closest(args[0], shells); ok {
					hint = "; did you mean " + near + "?"
				}
				return usagef("no completion for %q; there is %s%s", args[0], strings.Join(shells, ", "), hint)
			}
			if err != nil {
				return err
			}
			return a.emit(map[string]string{"shell": args[0], "script": b.String()}, func(p *page) { p.WriteString(b.String()) })
		},
	}
}

// bareBash makes cobra's script work where the package bash-completion is not loaded, which otherwise cuts the line into words. Here the
// words are those between blanks, so that --flag=value and column=level are one.
func bareBash(script []byte) []byte {
	return bytes.Replace(script, []byte(`    _get_comp_words_by_ref "$@" cur prev words cword
`), []byte(`    if declare -F _get_comp_words_by_ref >/dev/null 2>&1; then
        _get_comp_words_by_ref "$@" cur prev words cword
        return
    fi
    local line="${COMP_LINE:0:COMP_POINT}"
    read -ra words <<<"$line"
    [[ $line == *[[:blank:]] ]] && words+=("")
    cword=$((${#words[@]} - 1))
    cur="${words[cword]}"
    prev="${words[cword > 0 ? cword - 1 : 0]}"
`), 1)
}

// completeFiles completes the first few arguments with file names.
func completeFiles(arguments int) cobra.CompletionFunc {
	return func(_ *cobra.Command, args []string, _ string) ([]string, cobra.ShellCompDirective) {
		if len(args) >= arguments {
			return nil, cobra.ShellCompDirectiveNoFileComp
		}
		return nil, cobra.ShellCompDirectiveDefault
	}
}

// columnsOf are the columns of the file that is named by argument number at.
func columnsOf(cmd *cobra.Command, args []string, at int) []string {
	if len(args) <= at {
		return nil
	}
	noHeader, _ := cmd.Flags().GetBool("no-header")
	return headerOf(args[at], noHeader)
}

// headerOf are the columns of a file, none if it cannot be read.
func headerOf(file string, noHeader bool) []string {
	f, err := os.Open(file)
	if err != nil {
		return nil
	}
	defer f.Close()
	s, err := dataset.NewScanner(context.Background(), file, f, dataset.Options{Formats: formats, NoHeader: noHeader})
	if err != nil {
		return nil
	}
	defer s.Close()
	return s.Header
}

// completeColumns completes a list of columns, the last of them.
func completeColumns(at int) cobra.CompletionFunc {
	return func(cmd *cobra.Command, args []string, begun string) ([]string, cobra.ShellCompDirective) {
		before := begun[:strings.LastIndexByte(begun, ',')+1]
		var out []string
		for _, c := range columnsOf(cmd, args, at) {
			if strings.ContainsAny(c, "\n\t") || strings.Contains(","+before, ","+c+",") {
				continue
			}
			if strings.HasPrefix(before+c, begun) {
				out = append(out, before+c)
			}
		}
		return out, cobra.ShellCompDirectiveNoFileComp
	}
}

// completeBase completes the column of column=level.
func completeBase(at int) cobra.CompletionFunc {
	return func(cmd *cobra.Command, args []string, begun string) ([]string, cobra.ShellCompDirective) {
		var out []string
		for _, c := range columnsOf(cmd, args, at) {
			if strings.HasPrefix(c+"=", begun) {
				out = append(out, c+"=")
			}
		}
		return out, cobra.ShellCompDirectiveNoFileComp | cobra.ShellCompDirectiveNoSpace
	}
}

// completeLevels completes a level of the target, among those in the first rows of the file that is named already.
func completeLevels(at int) cobra.CompletionFunc {
	return func(cmd *cobra.Command, args []string, begun string) ([]string, cobra.ShellCompDirective) {
		var out []string
		for _, l := range levelsOf(cmd, args, at) {
			if strings.HasPrefix(l, begun) && !strings.ContainsAny(l, "\n\t") {
				out = append(out, l)
			}
		}
		slices.Sort(out)
		return out, cobra.ShellCompDirectiveNoFileComp
	}
}

// levelsOf are the levels of the target, as far as the first rows of the file have them.
func levelsOf(cmd *cobra.Command, args []string, at int) []string {
	const rows, most = 20_000, 100
	target, _ := cmd.Flags().GetString("target")
	if len(args) <= at || target == "" {
		return nil
	}
	f, err := os.Open(args[at])
	if err != nil {
		return nil
	}
	defer f.Close()
	noHeader, _ := cmd.Flags().GetBool("no-header")
	s, err := dataset.NewScanner(context.Background(), args[at], f, dataset.Options{Formats: formats, NoHeader: noHeader})
	if err != nil {
		return nil
	}
	defer s.Close()
	column := slices.Index(s.Header, target)
	if column < 0 {
		return nil
	}
	met := map[string]bool{}
	for range rows {
		record, err := s.Next()
		if err != nil || len(met) > most {
			break
		}
		if text := strings.TrimSpace(string(record.Cells[column].Bare())); text != "" {
			met[text] = true
		}
	}
	return slices.Collect(maps.Keys(met))
}
