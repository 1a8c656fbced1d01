# The verbs of secmon as functions: each asks `secmon --raw` and gives what it says as objects.
# Sandboxes are named by Id, a beginning of one, or Name; objects of Get-Sandbox can be piped to all that take one.

Set-StrictMode -Version Latest

# The version of secmon's JSON that this module knows.
$script:RawVersion = 1

function Invoke-Secmon {
    param([Parameter(Mandatory)][string[]] $Words, [int[]] $Allowed = @(0))
    $secmon = if ($env:PORTCULLIS_SECMON) { $env:PORTCULLIS_SECMON } else { 'secmon' }
    $said = & $secmon '--raw' @Words 2>&1
    $code = $LASTEXITCODE
    $errors = @($said | Where-Object { $_ -is [System.Management.Automation.ErrorRecord] } | ForEach-Object { "$_" })
    $text = @($said | Where-Object { $_ -isnot [System.Management.Automation.ErrorRecord] }) -join "`n"
    $result = if ($text.Trim()) { $text | ConvertFrom-Json } else { $null }
    if ($null -ne $result -and $result.Version -gt $script:RawVersion) {
        throw "secmon writes version $($result.Version) of its JSON; this module knows version $script:RawVersion"
    }
    # What secmon itself says of a failure; without a result there is nothing else to give.
    if ($code -notin $Allowed -and $null -eq $result) {
        throw (($errors -join '; ') -replace 'secmon: ', '')
    }
    $errors | ForEach-Object { Write-Warning ($_ -replace '^secmon: ', '') }
    $result
}

function Start-Sandbox {
    <#
    .SYNOPSIS
    Starts a sandbox that stays, and programs can be run in.
    #>
    [CmdletBinding()]
    param(
        [string] $Name,
        # A .wsb or TOML file, or its text
        [string] $Config,
        [string] $Command,
        [string[]] $Mount = @(),
        [string[]] $Net = @(),
        [string[]] $Publish = @(),
        [string] $Memory
    )
    $words = @('start')
    if ($Name) { $words += '--name', $Name }
    if ($Config) { $words += '--config', $Config }
    if ($Command) { $words += '--command', $Command }
    $Mount | ForEach-Object { $words += '--mount', $_ }
    $Net | ForEach-Object { $words += '--net', $_ }
    $Publish | ForEach-Object { $words += '--publish', $_ }
    if ($Memory) { $words += '--memory', $Memory }
    Invoke-Secmon $words | Select-Object Id, Name
}

function Get-Sandbox {
    <#
    .SYNOPSIS
    The sandboxes that run; with -All those that ended too; with -Id all that is known of one.
    #>
    [CmdletBinding()]
    param([Parameter(ValueFromPipelineByPropertyName)][string] $Id, [switch] $All)
    process {
        if ($Id) { return Invoke-Secmon @('inspect', $Id) }
        $words = @('list')
        if ($All) { $words += '--all' }
        (Invoke-Secmon $words).WindowsSandboxEnvironments
    }
}

function Invoke-SandboxCommand {
    <#
    .SYNOPSIS
    Runs a program in a sandbox to its end: ExitCode, Status, Output, Errors.
    #>
    [CmdletBinding()]
    param(
        [Parameter(Mandatory, ValueFromPipelineByPropertyName)][string] $Id,
        [Parameter(Mandatory)][string] $Command,
        [ValidateSet('ExistingLogin', 'System')][string] $RunAs = 'ExistingLogin',
        [string] $WorkingDirectory
    )
    process {
        $words = @('exec', '--id', $Id, '--command', $Command, '--run-as', $RunAs)
        if ($WorkingDirectory) { $words += '--working-directory', $WorkingDirectory }
        Invoke-Secmon $words -Allowed (0..255)
    }
}

function Stop-Sandbox {
    <#
    .SYNOPSIS
    Stops a sandbox; -Remove removes its logs too.
    #>
    [CmdletBinding(SupportsShouldProcess)]
    param([Parameter(Mandatory, ValueFromPipelineByPropertyName)][string] $Id, [switch] $Remove)
    process {
        $words = @('stop', '--id', $Id)
        if ($Remove) { $words += '--rm' }
        if ($PSCmdlet.ShouldProcess($Id)) { Invoke-Secmon $words | Out-Null }
    }
}

function Add-SandboxFolder {
    <#
    .SYNOPSIS
    Shows a folder of this host to a sandbox.
    #>
    [CmdletBinding()]
    param(
        [Parameter(Mandatory, ValueFromPipelineByPropertyName)][string] $Id,
        [Parameter(Mandatory)][string] $HostPath,
        [Parameter(Mandatory)][string] $SandboxPath,
        [switch] $AllowWrite
    )
    process {
        $words = @('share', '--id', $Id, '--host-path', $HostPath, '--sandbox-path', $SandboxPath)
        if ($AllowWrite) { $words += '--allow-write' }
        Invoke-Secmon $words | Select-Object HostPath, SandboxPath, AllowWrite
    }
}

function Remove-SandboxFolder {
    <#
    .SYNOPSIS
    Ends that; what is open stays open.
    #>
    [CmdletBinding()]
    param([Parameter(Mandatory, ValueFromPipelineByPropertyName)][string] $Id, [Parameter(Mandatory)][string] $SandboxPath)
    process { Invoke-Secmon @('share', '--id', $Id, '--sandbox-path', $SandboxPath, '--remove') | Out-Null }
}

function Get-SandboxAddress {
    <#
    .SYNOPSIS
    The addresses and ports at which a sandbox is reached.
    #>
    [CmdletBinding()]
    param([Parameter(Mandatory, ValueFromPipelineByPropertyName)][string] $Id)
    process { (Invoke-Secmon @('ip', '--id', $Id) -Allowed 0, 125).Networks }
}

function Get-SandboxLog {
    <#
    .SYNOPSIS
    What a sandbox's programs wrote: Output and Errors.
    #>
    [CmdletBinding()]
    param([Parameter(Mandatory, ValueFromPipelineByPropertyName)][string] $Id, [int] $Tail = -1)
    process {
        $words = @('logs', '--id', $Id)
        if ($Tail -ge 0) { $words += '--tail', "$Tail" }
        Invoke-Secmon $words | Select-Object Output, Errors
    }
}

function Get-SandboxUsage {
    <#
    .SYNOPSIS
    What sandboxes use: processor, memory, input and output, NT calls.
    #>
    [CmdletBinding()]
    param([string[]] $Id = @())
    (Invoke-Secmon (@('stats', '--no-stream') + $Id)).Statistics
}

function Wait-Sandbox {
    <#
    .SYNOPSIS
    Waits for a sandbox's end: ExitCode and how it ended.
    #>
    [CmdletBinding()]
    param([Parameter(Mandatory, ValueFromPipelineByPropertyName)][string] $Id)
    process { Invoke-Secmon @('wait', '--id', $Id) -Allowed (0..255) }
}

function Get-SandboxEvent {
    <#
    .SYNOPSIS
    What happened in a sandbox; with -Audit what was granted and refused.
    #>
    [CmdletBinding()]
    param([Parameter(Mandatory, ValueFromPipelineByPropertyName)][string] $Id, [switch] $Audit)
    process {
        $secmon = if ($env:PORTCULLIS_SECMON) { $env:PORTCULLIS_SECMON } else { 'secmon' }
        $words = @('--raw', 'events', '--id', $Id)
        if ($Audit) { $words += '--audit' }
        & $secmon @words | ForEach-Object { $_ | ConvertFrom-Json }
    }
}

function Clear-Sandbox {
    <#
    .SYNOPSIS
    Removes what is left of sandboxes that ended.
    #>
    [CmdletBinding(SupportsShouldProcess)]
    param()
    if ($PSCmdlet.ShouldProcess('ended sandboxes')) { (Invoke-Secmon @('prune')).Ids }
}

function Optimize-SandboxMemory {
    <#
    .SYNOPSIS
    Has a sandbox give back memory that it does not need.
    #>
    [CmdletBinding()]
    param([Parameter(Mandatory, ValueFromPipelineByPropertyName)][string] $Id)
    process { Invoke-Secmon @('trim', $Id) | Out-Null }
}

function Test-SandboxPolicy {
    <#
    .SYNOPSIS
    Checks a policy file or a .wsb file: Valid, Faults, Warnings.
    #>
    [CmdletBinding()]
    param([Parameter(Mandatory)][string] $Path)
    Invoke-Secmon @('policy', 'check', $Path) -Allowed 0, 125 | Select-Object Valid, Faults, Warnings
}

Export-ModuleMember -Function *-Sandbox*
