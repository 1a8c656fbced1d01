@{
    RootModule        = 'Portcullis.psm1'
    ModuleVersion     = '0.1.0'
    GUID              = '5f3c2c0e-8a52-4c8f-9c39-0d8f5c7a1e42'
    Author            = 'Portcullis'
    Description       = 'The verbs of secmon as functions that take and give objects.'
    PowerShellVersion = '7.0'
    FunctionsToExport = @(
        'Start-Sandbox', 'Get-Sandbox', 'Invoke-SandboxCommand', 'Stop-Sandbox', 'Add-SandboxFolder', 'Remove-SandboxFolder',
        'Get-SandboxAddress', 'Get-SandboxLog', 'Get-SandboxUsage', 'Wait-Sandbox', 'Get-SandboxEvent', 'Clear-Sandbox',
        'Optimize-SandboxMemory', 'Test-SandboxPolicy'
    )
    CmdletsToExport   = @()
    AliasesToExport   = @()
}
