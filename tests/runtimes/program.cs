// What a .NET program says on any system: JIT, garbage collector, thread pool, tasks, exceptions, files, text.
using System;
using System.Collections.Generic;
using System.Diagnostics;
using System.IO;
using System.Linq;
using System.Reflection;
using System.Security.Cryptography;
using System.Text;
using System.Text.RegularExpressions;
using System.Threading;
using System.Threading.Tasks;

class Finalized {
    public static int Count;
    ~Finalized() { Interlocked.Increment(ref Count); }
}

static class Program {
    static int Depth(int n) { return n == 0 ? 0 : 1 + Depth(n - 1); }

    static async Task<int> Later(int n) {
        await Task.Delay(5);
        return n;
    }

    static void Garbage() {
        for (int i = 0; i < 1000; i++) new Finalized();
    }

    static int Main(string[] args) {
        Console.WriteLine("arguments " + string.Join("|", args));
        Console.WriteLine("parallel " + Enumerable.Range(1, 1000000).AsParallel().Select(x => (long)x * x).Sum());
        Console.WriteLine("tasks " + Task.WhenAll(Enumerable.Range(0, 50).Select(Later)).Result.Sum());
        int counter = 0;
        var threads = Enumerable.Range(0, 8).Select(_ => new Thread(() => {
            for (int i = 0; i < 10000; i++) lock (args) counter++;
        })).ToList();
        threads.ForEach(t => t.Start());
        threads.ForEach(t => t.Join());
        Console.WriteLine("locked " + counter);

        File.WriteAllText("text.txt", "h\u00e9llo\n", new UTF8Encoding(false));
        File.AppendAllText("text.txt", "w\u00f6rld\n");
        Console.WriteLine("file " + new FileInfo("text.txt").Length + " " + File.ReadAllLines("text.txt").Length);
        Directory.CreateDirectory("a/b");
        Console.WriteLine("folders " + Directory.GetDirectories(".", "*", SearchOption.AllDirectories).Length);

        try { ((object)null).ToString(); } catch (NullReferenceException) { Console.WriteLine("null reference"); }
        try { Console.WriteLine(1 / (args.Length - args.Length)); } catch (DivideByZeroException) { Console.WriteLine("division"); }
        try { File.ReadAllText("none"); } catch (FileNotFoundException) { Console.WriteLine("not found"); }
        try { checked { Console.WriteLine(int.MaxValue + args.Length); } } catch (OverflowException) { Console.WriteLine("overflow"); }
        Console.WriteLine("deep " + Depth(5000));

        for (int i = 0; i < 200; i++) { var block = new byte[1000000]; block[i] = 1; }
        Garbage();
        GC.Collect();
        GC.WaitForPendingFinalizers();
        Console.WriteLine("collected " + (GC.CollectionCount(2) > 0) + " " + (Finalized.Count > 900));

        using (var sha = SHA256.Create())
            Console.WriteLine("hash " + BitConverter.ToString(sha.ComputeHash(Encoding.ASCII.GetBytes("abc"))).Replace("-", ""));
        Console.WriteLine("regex " + Regex.Replace("a1b22c333", @"\d+", m => "<" + m.Length + ">"));
        var method = new System.Reflection.Emit.DynamicMethod("twice", typeof(int), new[] { typeof(int) });
        var il = method.GetILGenerator();
        il.Emit(System.Reflection.Emit.OpCodes.Ldarg_0);
        il.Emit(System.Reflection.Emit.OpCodes.Ldc_I4_2);
        il.Emit(System.Reflection.Emit.OpCodes.Mul);
        il.Emit(System.Reflection.Emit.OpCodes.Ret);
        Console.WriteLine("emitted " + method.Invoke(null, new object[] { 21 }));
        var watch = Stopwatch.StartNew();
        Thread.Sleep(20);
        Console.WriteLine("slept " + (watch.ElapsedMilliseconds >= 15));
        return 5;
    }
}
