using System;

/* Prints an exception that it catches, or ends by one. */
static class Ends {
    static int Main(string[] arguments) {
        if (arguments.Length == 0) throw new InvalidOperationException("nobody catches");
        try {
            throw new Exception(arguments[0]);
        } catch (Exception e) {
            Console.WriteLine(e.ToString());
        }
        return 3;
    }
}
