package main

import (
	"bufio"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"strings"
	"sync"
	"time"
)

func digest(data []byte) string {
	sum := sha256.Sum256(data)
	return hex.EncodeToString(sum[:8])
}

func handler() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("/echo", func(w http.ResponseWriter, r *http.Request) {
		data, _ := io.ReadAll(r.Body)
		w.Header().Set("X-Seen", r.Method)
		fmt.Fprintf(w, "%d %s", len(data), digest(data))
	})
	mux.HandleFunc("/slow", func(w http.ResponseWriter, r *http.Request) {
		select {
		case <-r.Context().Done():
		case <-time.After(5 * time.Second):
		}
	})
	mux.HandleFunc("/lines", func(w http.ResponseWriter, r *http.Request) {
		for i := range 20 {
			fmt.Fprintf(w, "line %d\n", i)
			w.(http.Flusher).Flush()
		}
	})
	mux.Handle("/files/", http.StripPrefix("/files/", http.FileServer(http.Dir("files"))))
	return mux
}

func get(client *http.Client, url string) string {
	answer, err := client.Get(url)
	if err != nil {
		return "error"
	}
	defer answer.Body.Close()
	data, err := io.ReadAll(answer.Body)
	return fmt.Sprint(answer.StatusCode, " ", len(data), " ", digest(data), " ", err)
}

func main() {
	if len(os.Args) > 1 {
		fmt.Println("serving")
		fmt.Println(http.ListenAndServe(os.Args[1], handler()))
		return
	}
	os.Mkdir("files", 0o755)
	os.WriteFile("files/big.bin", []byte(strings.Repeat("portcullis ", 300000)), 0o644)
	for _, secure := range []bool{false, true} {
		server := httptest.NewUnstartedServer(handler())
		if secure {
			server.EnableHTTP2 = true
			server.StartTLS()
		} else {
			server.Start()
		}
		client := server.Client()
		fmt.Println("file", get(client, server.URL+"/files/big.bin"))
		fmt.Println("none", get(client, server.URL+"/files/none"))
		fmt.Println("lines", get(client, server.URL+"/lines"))
		var all sync.WaitGroup
		good := make(chan string, 200)
		for i := range 200 {
			all.Add(1)
			go func() {
				defer all.Done()
				body := strings.Repeat("x", i*100)
				answer, err := client.Post(server.URL+"/echo", "text/plain", strings.NewReader(body))
				if err != nil {
					fmt.Println("post", i, err)
					return
				}
				defer answer.Body.Close()
				data, err := io.ReadAll(answer.Body)
				if string(data) == fmt.Sprintf("%d %s", len(body), digest([]byte(body))) && answer.Header.Get("X-Seen") == "POST" {
					good <- answer.Proto
				} else {
					fmt.Println("post", i, answer.Status, answer.Header, len(data), err)
				}
			}()
		}
		all.Wait()
		close(good)
		count := map[string]int{}
		for proto := range good {
			count[proto]++
		}
		fmt.Println("posts", count)
		ctx, cancel := context.WithTimeout(context.Background(), 50*time.Millisecond)
		request, _ := http.NewRequestWithContext(ctx, "GET", server.URL+"/slow", nil)
		_, err := client.Do(request)
		fmt.Println("cancelled", err != nil, ctx.Err())
		cancel()
		server.Close()
		_, err = client.Get(server.URL)
		fmt.Println("closed", err != nil)
	}
	listener, _ := net.Listen("tcp", "[::1]:0")
	go func() {
		connection, _ := listener.Accept()
		io.Copy(connection, connection)
		connection.Close()
	}()
	connection, err := net.Dial("tcp", listener.Addr().String())
	fmt.Println("dialled", err)
	fmt.Fprintln(connection, "over and back")
	connection.(*net.TCPConn).CloseWrite()
	line, err := bufio.NewReader(connection).ReadString('\n')
	fmt.Println(strings.TrimSpace(line), err)
	connection.SetReadDeadline(time.Now().Add(-time.Second))
	_, err = connection.Read(make([]byte, 1))
	fmt.Println("late", os.IsTimeout(err))
	addresses, err := net.LookupHost("localhost")
	fmt.Println("names", len(addresses) > 0, err)
}
