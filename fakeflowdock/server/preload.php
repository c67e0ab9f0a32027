<?php
// Leads PHP's streams to Flowdock's hosts to the fake: `auto_prepend_file`, which `fakeflowdock exec` arranges.
//
// PHP's curl asks the environment for a proxy. Its streams (`file_get_contents`, `fopen`, `copy`) ask only the context
// that they are given. So `https` and `http` are opened here, as PHP opens them itself, and for Flowdock's hosts with a
// context that names the proxy.

final class FakeflowdockStream implements ArrayAccess, Countable, IteratorAggregate
{
    const HOSTS = '/^https?:\/\/(?:[^\/?#]*@)?(?:api|stream)\.flowdock\.com\.?(?::\d+)?(?:[\/?#]|$)/i';

    public $context;
    private $stream;
    private $headers = [];

    public static function take()
    {
        foreach (['http', 'https'] as $scheme) {
            @stream_wrapper_unregister($scheme);
            stream_wrapper_register($scheme, self::class, STREAM_IS_URL);
        }
    }

    private static function leave()
    {
        foreach (['http', 'https'] as $scheme) {
            stream_wrapper_restore($scheme);
        }
    }

    private static function led($context)
    {
        $options = stream_context_get_options($context);
        $proxy = preg_replace('/^http:/', 'tcp:', getenv('FAKEFLOWDOCK_PROXY'));
        $options['http'] = ['proxy' => $proxy, 'request_fulluri' => true] + ($options['http'] ?? []);
        return stream_context_create($options, stream_context_get_params($context));
    }

    public function stream_open($path, $mode, $options, &$opened)
    {
        $context = $this->context ?? stream_context_get_default();
        if (preg_match(self::HOSTS, $path)) {
            $context = self::led($context);
        }
        $name = 'http_response_header'; // PHP sets a variable here only if it is known, and newer ones warn of its name
        $$name = null;
        self::leave();
        try {
            $this->stream = $options & STREAM_REPORT_ERRORS
                ? fopen($path, $mode, false, $context)
                : @fopen($path, $mode, false, $context);
        } finally {
            self::take();
        }
        if ($$name !== null) {
            $this->headers = $$name;
            $GLOBALS[$name] = $$name; // for a caller outside functions: nothing leads into a function
        }
        return (bool) $this->stream;
    }

    public function stream_read($count)
    {
        return fread($this->stream, $count);
    }

    public function stream_write($data)
    {
        return fwrite($this->stream, $data);
    }

    public function stream_eof()
    {
        return feof($this->stream);
    }

    public function stream_close()
    {
        fclose($this->stream);
    }

    public function stream_stat()
    {
        return fstat($this->stream) ?: [];
    }

    public function url_stat($path, $flags)
    {
        return false; // as PHP's own
    }

    public function stream_cast($as)
    {
        return $this->stream;
    }

    public function stream_set_option($option, $first, $second)
    {
        switch ($option) {
            case STREAM_OPTION_BLOCKING:
                return stream_set_blocking($this->stream, (bool) $first);
            case STREAM_OPTION_READ_TIMEOUT:
                return stream_set_timeout($this->stream, $first, $second);
            default:
                return false;
        }
    }

    // `wrapper_data` of stream_get_meta_data: the headers of the response

    #[ReturnTypeWillChange]
    public function getIterator()
    {
        return new ArrayIterator($this->headers);
    }

    #[ReturnTypeWillChange]
    public function count()
    {
        return count($this->headers);
    }

    #[ReturnTypeWillChange]
    public function offsetExists($at)
    {
        return isset($this->headers[$at]);
    }

    #[ReturnTypeWillChange]
    public function offsetGet($at)
    {
        return $this->headers[$at];
    }

    #[ReturnTypeWillChange]
    public function offsetSet($at, $value)
    {
    }

    #[ReturnTypeWillChange]
    public function offsetUnset($at)
    {
    }
}

if (getenv('FAKEFLOWDOCK_PROXY')) {
    FakeflowdockStream::take();
}

// The file that another ini would have run first, had ours not come last.
foreach (array_reverse(array_merge([php_ini_loaded_file()], explode(',', (string) php_ini_scanned_files()))) as $ini) {
    $ini = trim((string) $ini);
    if ($ini === '' || basename($ini) === 'fakeflowdock.ini') {
        continue;
    }
    if ($first = (@parse_ini_file($ini, false, INI_SCANNER_RAW) ?: [])['auto_prepend_file'] ?? '') {
        require $first;
        break;
    }
}
unset($ini, $first);
