# PowerShell completion for xeroauth
#
# Nothing that was typed or offered is evaluated, and what stands behind a tab,
# names from outside, is only ever listed.
Register-ArgumentCompleter -Native -CommandName 'xeroauth' -ScriptBlock {
    param($wordToComplete, $commandAst, $cursorPosition)
    $typed = @()
    $last = ''
    foreach ($element in @($commandAst.CommandElements | Select-Object -Skip 1)) {
        $extent = $element.Extent
        if ($extent.StartOffset -ge $cursorPosition) { break }
        if ($extent.EndOffset -ge $cursorPosition) {
            $last = $extent.Text.Substring(0, $cursorPosition - $extent.StartOffset).Trim([char[]]@("'", '"'))
            break
        }
        if ($element -is [System.Management.Automation.Language.StringConstantExpressionAst]) {
            $typed += $element.Value
        }
        else {
            $typed += $extent.Text
        }
    }
    $program = Get-Command -Name 'xeroauth' -CommandType Application -ErrorAction SilentlyContinue | Select-Object -First 1
    if (-not $program) { return }
    # The full stop holds an empty word, which some versions would not pass on.
    $lines = @(& $program '__offer' 'words' @typed "$last." 2>$null)
    if ($lines.Count -lt 2) {
        # An empty answer means files to PowerShell.
        if ($lines.Count -eq 1 -and $lines[0] -notlike 'files*') { '' }
        return
    }
    foreach ($line in $lines[1..($lines.Count - 1)]) {
        $value, $description = $line -split "`t", 2
        if (-not $description) { $description = $value }
        # A bare @ or comma means something to PowerShell; no value holds a quote.
        $text = $value
        if ($value -notmatch '^[A-Za-z0-9._/:=+-]+$') { $text = "'" + $value + "'" }
        [System.Management.Automation.CompletionResult]::new($text, $value, 'ParameterValue', $description)
    }
}
