/**
 * Completion scripts. They know nothing themselves but ask `myaas __complete` with the words of the command line, which
 * answers from the table of commands and the daemon: so they stay right when either changes.
 */
import { errors } from '../errors/errors.ts';
import type { Context } from './command.ts';

const bash = `# bash completion for myaas: source <(myaas completion bash)
_myaas() {
  local line
  COMPREPLY=()
  while IFS= read -r line; do
    if [[ $line == :files ]]; then
      compopt -o default 2>/dev/null
    else
      COMPREPLY+=("\${line%%$'\\t'*}")
    fi
  done < <("\${COMP_WORDS[0]}" __complete "\${COMP_WORDS[@]:1:COMP_CWORD}" 2>/dev/null)
}
complete -F _myaas myaas
`;

const zsh = `#compdef myaas
# zsh completion for myaas: put it as "_myaas" into a directory of $fpath, or: source <(myaas completion zsh)
_myaas() {
  local line
  local -a candidates
  for line in "\${(@f)$("\${words[1]}" __complete "\${(@)words[2,CURRENT]}" 2>/dev/null)}"; do
    if [[ $line == :files ]]; then
      _files
      return
    fi
    [[ -n $line ]] || continue
    # A colon separates value and description for _describe.
    line=\${line//:/\\\\:}
    candidates+=("\${line/$'\\t'/:}")
  done
  _describe myaas candidates
}
if [[ $funcstack[1] == _myaas ]]; then
  _myaas "$@"
else
  compdef _myaas myaas
fi
`;

const fish = `# fish completion for myaas: myaas completion fish > ~/.config/fish/completions/myaas.fish
function __myaas_complete
    set -l words (commandline -opc) (commandline -ct)
    set -l candidates ($words[1] __complete $words[2..] 2>/dev/null)
    if test "$candidates" = ':files'
        __fish_complete_path (commandline -ct)
    else
        string join -- \\n $candidates
    end
end
complete -c myaas -f -a '(__myaas_complete)'
`;

const scripts: Readonly<Record<string, string>> = { bash, zsh, fish };

export function printCompletion({ output }: Context, [shell]: readonly [string]): Promise<number> {
  const script = scripts[shell];
  if (script === undefined)
    throw errors.usage(`There is no completion for "${shell}".`, 'Choose bash, zsh or fish.');
  output.stdout.write(script);
  return Promise.resolve(0);
}
